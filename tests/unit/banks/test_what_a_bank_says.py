"""Everything a bank may say of a payment in ISO 20022, and what we conclude: the table of statuses walked whole.

The messages are written here by hand, as banks write them, and not by the sandbox bank.
"""

import itertools
import json

import pytest

from fundline.banks.bank import Accepted, BankAnswerUnexpected, Declined, Returned, Settled, Unclear
from fundline.banks.conclusion import Word, conclude
from fundline.banks.iso20022_reading import understand
from fundline.banks.iso20022_statement import bookings
from fundline.banks.payment_statuses import (
    CANCELLED,
    GROUP_STATUSES,
    NOT_STATED,
    TRANSACTION_STATUSES,
    Meaning,
)
from fundline.domain.money import Money
from support.bank_words import (
    AMOUNT,
    IN_VERSION_3,
    KEY,
    LEVELS,
    NOTIFICATIONS,
    OTHER,
    PAYMENT,
    REPORTS,
    RJCT_AC04,
    STATEMENTS,
    at_level,
    entry,
    ledger,
    report,
    transaction,
)


def expected_of(status, meaning, level):
    if meaning is Meaning.UNCLEAR:
        return Unclear(f"The bank gives the payment the status {status}.")
    if meaning is Meaning.REJECTED:
        code = CANCELLED if status == "CANC" else NOT_STATED
        return Declined(code, AMOUNT if level == "transaction" else None)
    if meaning is Meaning.SETTLED and level == "transaction":
        return Settled("B-1", AMOUNT)
    return Accepted()


@pytest.mark.parametrize("version", REPORTS)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("status", sorted(GROUP_STATUSES.keys() | TRANSACTION_STATUSES.keys()))
def test_every_status_of_the_code_sets_has_its_meaning_at_every_level(status, level, version):
    table = TRANSACTION_STATUSES if level == "transaction" else GROUP_STATUSES
    xml = at_level(level, status, version=version)
    if status not in table or (version == REPORTS[1] and status not in IN_VERSION_3[level]):
        with pytest.raises(BankAnswerUnexpected):
            understand(PAYMENT, xml)
        return
    assert understand(PAYMENT, xml) == expected_of(status, table[status], level)


def test_the_tables_are_the_whole_code_sets():
    """As of 2Q2026: 13 statuses of groups, 25 of transactions."""
    assert (len(GROUP_STATUSES), len(TRANSACTION_STATUSES)) == (13, 25)
    assert all(status.isupper() and len(status) == 4 for status in GROUP_STATUSES | TRANSACTION_STATUSES)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("", NOT_STATED),
        ("<StsRsnInf><AddtlInf>Account DE75512108001245126199 is closed</AddtlInf></StsRsnInf>", NOT_STATED),
        ("<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf>", "account_closed"),
        ("<StsRsnInf><Rsn><Cd>MS03</Cd></Rsn></StsRsnInf>", "MS03"),
        ("<StsRsnInf><Rsn><Prtry>X1</Prtry></Rsn><AddtlInf>as agreed</AddtlInf></StsRsnInf>", "X1"),
    ],
)
def test_a_rejection_ends_a_payment_at_every_level_with_or_without_its_reason(level, reason, code):
    answer = understand(PAYMENT, at_level(level, "RJCT", reason))
    assert answer == Declined(code, AMOUNT if level == "transaction" else None)


def test_a_settled_status_without_reference_or_amount_waits_for_its_booking():
    for missing in ({"reference": ""}, {"stated": ""}, {"reference": "", "stated": ""}):
        alone = report(transaction("ACSC", **missing))
        assert understand(PAYMENT, alone) == Accepted()
        assert understand(PAYMENT, alone, ledger(entry())) == Settled("B-1", AMOUNT)


@pytest.mark.parametrize("key", [KEY.upper(), KEY[:8] + KEY[8:].upper(), str(PAYMENT).replace("-", "", 1)])
def test_our_id_is_ours_however_the_bank_writes_it(key):
    assert understand(PAYMENT, report(transaction("ACSC", key=key), key=key)) == Settled("B-1", AMOUNT)
    assert understand(PAYMENT, ledger(entry(key=key))) == Settled("B-1", AMOUNT)
    assert understand(PAYMENT, report(group="RJCT", key=key)) == Declined(NOT_STATED)


@pytest.mark.parametrize("version", NOTIFICATIONS + STATEMENTS)
def test_a_booking_is_read_in_every_version_with_its_reference_in_either_place(version):
    for places in ({}, {"reference": "", "entry_reference": "B-1"}):
        xml = ledger(entry(version=version, **places), version=version)
        assert understand(PAYMENT, xml) == Settled("B-1", AMOUNT)
        (booking,) = bookings(xml, "a file")
        assert (booking.line.transaction_id, booking.line.amount) == ("B-1", AMOUNT)


@pytest.mark.parametrize("version", STATEMENTS)
def test_a_statement_that_says_days_only_stands_where_it_was_made(version):
    xml = ledger(entry(booked="<Dt>2026-11-24</Dt>", version=version), version=version)
    (booking,) = bookings(xml, "a file")
    assert booking.booked_at == "2026-11-24T23:00:00.000000+00:00"


@pytest.mark.parametrize("version", NOTIFICATIONS + STATEMENTS)
def test_what_is_not_booked_yet_is_on_its_way(version):
    assert understand(PAYMENT, ledger(entry(status="PDNG", version=version), version=version)) == Accepted()


DISAGREE = {
    "a debit called a reversal": [ledger(entry(reversal="true"))],
    "a debit called a return": [ledger(entry(returned="AC04"))],
    "a reversal alone": [ledger(entry("CRDT", reversal="true"))],
    "a part of the money came back": [ledger(entry(), entry("CRDT", amount="10.00", reference="B-2"))],
    "money that came back twice": [ledger(entry(), entry("CRDT", reference="B-2"), entry("CRDT", reference="B-3"))],
    "rejected and come back": [report(transaction("RJCT")), ledger(entry("CRDT", reference="B-2"))],
    "two debits": [ledger(entry(), entry(reference="B-2"))],
    "two amounts": [ledger(entry(), entry(amount="900.00"))],
    "two currencies": [ledger(entry(), entry(currency="USD"))],
    "a currency that nobody lends in": [ledger(entry(currency="CHF"))],
    "settled and rejected": [report(transaction("ACSC"), transaction("RJCT", reason=RJCT_AC04))],
    "rejected whole and settled": [report(transaction("ACSC"), group="RJCT")],
    "a part rejected and settled": [report(transaction("ACSC"), part="RJCT")],
    "two reasons": [
        report(transaction("RJCT", reason=RJCT_AC04), group="RJCT", group_reason=RJCT_AC04.replace("04", "06"))
    ],
    "reported as rejected and booked": [report(transaction("RJCT")), ledger(entry())],
    "reported and booked differently": [report(transaction("ACSC")), ledger(entry(reference="B-2"))],
    "reported and booked with two amounts": [report(transaction("ACSC")), ledger(entry(amount="900.00"))],
    "blocked": [report(transaction("BLCK"), transaction("ACSC"))],
}  # fmt: skip


@pytest.mark.parametrize("messages", DISAGREE.values(), ids=DISAGREE)
def test_what_does_not_agree_concludes_nothing_in_whichever_order_it_comes(messages):
    answers = {understand(PAYMENT, *order) for order in itertools.permutations(messages)}
    assert len(answers) == 1
    assert isinstance(answers.pop(), Unclear)


@pytest.mark.parametrize("version", NOTIFICATIONS + STATEMENTS)
@pytest.mark.parametrize(
    ("back", "code"),
    [
        ({"reversal": "true"}, NOT_STATED),
        ({"returned": "AC04"}, "account_closed"),
        ({"reversal": "true", "returned": "MS03"}, "MS03"),
        ({}, NOT_STATED),
    ],
)
def test_money_that_was_booked_and_came_back_is_returned_in_whichever_order(back, code, version):
    gone, came = entry(version=version), entry("CRDT", reference="B-2", version=version, **back)
    for entries in ((gone, came), (came, gone)):
        assert understand(PAYMENT, ledger(*entries, version=version)) == Returned("B-1", code, AMOUNT)
        lines = [booking.line for booking in bookings(ledger(*entries, version=version), "a file")]
        assert sorted((line.is_paid, line.is_returned, line.transaction_id) for line in lines) == [
            (False, True, "B-2"),
            (True, False, "B-1"),
        ]


def test_what_came_in_from_elsewhere_is_no_line_of_payments():
    assert bookings(ledger(entry("CRDT", key="invoice 7")), "a file") == ()


@pytest.mark.parametrize("text", ["1000", "1000.0", "1000.00", "1000.00000", "01000.00"])
def test_an_amount_is_the_same_however_many_zeros_it_has(text):
    assert understand(PAYMENT, ledger(entry(amount=text))) == Settled("B-1", AMOUNT)


def test_what_is_said_of_other_payments_counts_for_nothing():
    others = [transaction("RJCT", key=OTHER, reason=RJCT_AC04), transaction("ACSC")]
    assert understand(PAYMENT, report(*others)) == Settled("B-1", AMOUNT)
    assert understand(PAYMENT, ledger(entry("CRDT", key=OTHER), entry())) == Settled("B-1", AMOUNT)
    for xml in (report(group="RJCT", key=OTHER), ledger(entry(key="NOTPROVIDED")), ledger()):
        with pytest.raises(BankAnswerUnexpected, match="another payment"):
            understand(PAYMENT, xml)


WORDS = [
    Word(Meaning.ON_THE_WAY),
    Word(Meaning.SETTLED, "B-1", AMOUNT),
    Word(Meaning.SETTLED),
    Word(Meaning.SETTLED, "B-2", AMOUNT),
    Word(Meaning.SETTLED, "B-1", Money(90_000, "EUR")),
    Word(Meaning.REJECTED, None, AMOUNT, "AC04"),
    Word(Meaning.REJECTED),
    Word(Meaning.CAME_BACK, "B-3", AMOUNT, "AC04"),
    Word(Meaning.UNCLEAR, said="Odd."),
]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_order_of_what_was_said_matters_and_no_final_answer_hides_another(count):
    """A generated matrix: every answer that ends a payment is one that each word alone allows."""
    for words in itertools.combinations(WORDS, count):
        answers = {repr(conclude(order)) for order in itertools.permutations(words)}
        assert len(answers) == 1, words
        answer, meanings = conclude(words), {word.meaning for word in words}
        if isinstance(answer, Settled):
            assert meanings <= {Meaning.SETTLED, Meaning.ON_THE_WAY}
            assert {word.amount for word in words if word.amount} == {answer.amount}
        if isinstance(answer, Declined):
            assert meanings <= {Meaning.REJECTED, Meaning.ON_THE_WAY}
        if isinstance(answer, Returned):
            assert {Meaning.SETTLED, Meaning.CAME_BACK} <= meanings <= {*Meaning} - {Meaning.REJECTED}
        if {Meaning.SETTLED, Meaning.REJECTED} <= meanings:
            assert isinstance(answer, Unclear)


def test_a_rejection_in_words_takes_no_account_number_into_our_records():
    reason = "<StsRsnInf><AddtlInf>DE75512108001245126199</AddtlInf></StsRsnInf>"
    assert "DE7551" not in json.dumps(repr(understand(PAYMENT, at_level("transaction", "RJCT", reason))))
