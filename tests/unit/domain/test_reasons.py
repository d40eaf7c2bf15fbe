import pytest

from fundline.domain.reasons import MOST_REASONS, SENTENCES, principal_reason, principal_reasons


def test_every_reason_is_one_whole_sentence():
    for code, sentence in SENTENCES.items():
        assert code == code.lower()
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_no_two_codes_say_the_same():
    assert len(set(SENTENCES.values())) == len(SENTENCES)


def test_a_reason_carries_its_code_and_sentence():
    reason = principal_reason("business_new")
    assert (reason.code, reason.sentence) == ("business_new", SENTENCES["business_new"])


def test_an_unknown_code_raises():
    with pytest.raises(KeyError):
        principal_reason("bad_luck")


def test_reasons_keep_their_order_are_named_once_and_stop_at_four():
    codes = ("term_long", "franchise", "term_long", "location", "jobs_few", "business_new")
    reasons = principal_reasons(codes)
    assert [reason.code for reason in reasons] == ["term_long", "franchise", "location", "jobs_few"]
    assert len(reasons) == MOST_REASONS
