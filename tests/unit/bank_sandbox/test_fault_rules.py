import pytest
from pydantic import ValidationError

from fundline.domain.money import Money
from fundline.outside.bank_sandbox.faults import (
    MOST_RULES,
    Call,
    FaultBook,
    FaultRule,
    FaultUnknown,
    Stage,
    TooManyFaults,
)
from fundline.outside.bank_sandbox.webhooks import backoff_s

ORDER = Call("pay", "01a2", "0042", Money(120_050, "USD"), "loan-1")
FIND = Call("find", "01a2")


def rule(kind="reset-after", **fields):
    return FaultRule.model_validate({"kind": kind, **fields})


def struck(book, call, stage=Stage.ANSWER):
    return [hit.kind.value for hit in book.strike(stage, call)]


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({}, True),
        ({"payeeEnding": "42"}, True),
        ({"payeeEnding": "0043"}, False),
        ({"amount": "1200.50"}, True),
        ({"amount": "1200.5"}, False),
        ({"currency": "USD"}, True),
        ({"currency": "EUR"}, False),
        ({"reference": "loan-1"}, True),
        ({"reference": "loan"}, False),
        ({"paymentId": "01A2"}, True),
        ({"paymentId": "01a2", "payeeEnding": "0042", "currency": "EUR"}, False),
    ],
)
def test_a_rule_strikes_the_calls_that_fit_everything_it_names(match, fits):
    book = FaultBook()
    book.add(rule(match=match))
    assert bool(struck(book, ORDER)) is fits


def test_a_rule_concerns_its_operation_only_but_an_outage_concerns_all():
    book = FaultBook()
    book.add(rule("outage"))
    book.add(rule("timeout-before"))
    book.add(rule("rate-limit", operation="find"))
    assert struck(book, ORDER, Stage.ARRIVAL) == ["outage", "timeout-before"]
    assert struck(book, FIND, Stage.ARRIVAL) == ["outage", "rate-limit"]
    assert struck(book, Call("statement"), Stage.ARRIVAL) == ["outage"]


def test_a_rule_with_times_is_spent_after_as_many_hits():
    book = FaultBook()
    fault = book.add(rule(times=2))
    assert [bool(struck(book, ORDER)) for _ in range(4)] == [True, True, False, False]
    assert fault.hits == 2


def test_the_same_seed_strikes_the_same_calls_and_another_does_not():
    def hits(seed):
        book = FaultBook()
        book.add(rule(probability=0.3, seed=seed))
        return [bool(struck(book, ORDER)) for _ in range(1000)]

    assert hits(7) == hits(7)
    assert hits(7) != hits(8)
    assert 250 < sum(hits(7)) < 350


def test_calls_that_do_not_match_do_not_roll_the_dice():
    quiet, noisy = FaultBook(), FaultBook()
    for book in (quiet, noisy):
        book.add(rule(probability=0.5, seed=3))
    found = []
    for _ in range(50):
        struck(noisy, FIND)
        found.append((struck(quiet, ORDER), struck(noisy, ORDER)))
    assert all(left == right for left, right in found)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": "flood"}, "kind\n  Input should be "),
        ({"kind": "slow"}, "A fault of the kind slow needs "),
        ({"kind": "settle-later"}, "A fault of the kind settle-later needs "),
        ({"kind": "decline"}, "A fault of the kind decline needs "),
        ({"kind": "decline", "code": "Not Good"}, "code\n  String should match pattern"),
        ({"kind": "outage", "delayMs": 5}, "does not belong to a fault of the kind outage"),
        ({"kind": "error-before", "status": 404}, "status\n  Input should be "),
        ({"kind": "reset-after", "status": 500}, "does not belong to a fault of the kind reset-after"),
        ({"kind": "decline", "code": "closed", "operation": "find"}, "Only the operation pay"),
        ({"kind": "outage", "probability": 0}, "probability\n  Input should be greater than 0"),
        ({"kind": "outage", "probability": 1.5}, "probability\n  Input should be less than or equal to 1"),
        ({"kind": "outage", "times": 0}, "times\n  Input should be greater than"),
        ({"kind": "outage", "match": {"colour": "red"}}, "match.colour\n  Extra inputs"),
        ({"kind": "outage", "match": {"payeeEnding": "12345"}}, "payeeEnding\n  String should"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(fields, sentence):
    with pytest.raises(ValidationError, match=sentence):
        FaultRule.model_validate(fields)


def test_the_book_has_a_limit_and_forgets_what_is_cleared():
    book = FaultBook()
    numbers = [book.add(rule()).number for _ in range(MOST_RULES)]
    with pytest.raises(TooManyFaults):
        book.add(rule())
    book.remove(numbers[0])
    with pytest.raises(FaultUnknown):
        book.remove(numbers[0])
    assert book.clear() == MOST_RULES - 1
    assert book.all() == []


def test_the_pause_between_two_webhooks_grows_to_a_minute_and_never_vanishes():
    assert [backoff_s(attempts, 1.0) for attempts in (0, 1, 2, 7, 50)] == [0.5, 1.0, 2.0, 60.0, 60.0]
    assert backoff_s(0, 0.0) == pytest.approx(0.05)
