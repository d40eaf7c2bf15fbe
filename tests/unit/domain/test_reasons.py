import re
from pathlib import Path

import pytest

from fundline.domain import policy, rules
from fundline.domain.reasons import (
    MOST_REASONS,
    REASON_BY_FEATURE,
    SENTENCES,
    principal_reason,
    principal_reasons,
)
from fundline.risk import features


def test_every_reason_is_one_whole_sentence():
    for code, sentence in SENTENCES.items():
        assert code == code.lower()
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_no_two_codes_say_the_same():
    assert len(set(SENTENCES.values())) == len(SENTENCES)


def test_every_feature_of_the_models_has_its_reason_and_the_domain_agrees_with_the_science():
    assert REASON_BY_FEATURE == features.REASON_BY_FEATURE
    assert set(REASON_BY_FEATURE.values()) <= set(SENTENCES)


def test_no_sentence_is_kept_that_no_rule_and_no_feature_can_name():
    source = "".join(Path(module.__file__).read_text() for module in (policy, rules))
    named = set(re.findall(r'"([a-z_]+)"', source)) | set(REASON_BY_FEATURE.values())
    assert set(SENTENCES) <= named


def test_a_reason_carries_its_code_and_sentence():
    reason = principal_reason("business_new")
    assert (reason.code, reason.sentence) == ("business_new", SENTENCES["business_new"])


def test_an_unknown_code_raises():
    with pytest.raises(KeyError):
        principal_reason("bad_luck")


def test_reasons_keep_their_order_are_named_once_and_stop_at_four():
    codes = ("amount_history", "franchise", "amount_history", "legal_form", "state_history", "business_new")
    reasons = principal_reasons(codes)
    assert [reason.code for reason in reasons] == [
        "amount_history", "franchise", "legal_form", "state_history",
    ]  # fmt: skip
    assert len(reasons) == MOST_REASONS
