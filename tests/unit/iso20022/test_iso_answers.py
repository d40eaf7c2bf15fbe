"""pain.002 and camt.054 as the sandbox bank writes them and we read them."""

import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from fundline.banks.bank import (
    Accepted,
    BankAnswerUnexpected,
    Declined,
    Returned,
    Settled,
)
from fundline.banks.iso20022_reading import understand
from fundline.banks.iso20022_statement import bookings
from fundline.outside.bank_sandbox.iso_messages import (
    booking_notification,
    status_report,
)
from fundline.records.books import StatementLine
from support.iso_payment import AMOUNT, AT, BOOKED, PAYMENT, written


def without(name):
    """The notification of the booking without an element."""
    return re.sub(rb"<%b>.*?</%b>" % (name.encode(), name.encode()), b"", booking_notification(BOOKED, AT))


def test_a_booking_is_understood_from_the_report_and_from_the_notification():
    assert understand(PAYMENT, status_report(BOOKED, AT)) == Settled("txn_abc", AMOUNT)
    assert understand(PAYMENT, booking_notification(BOOKED, AT)) == Settled("txn_abc", AMOUNT)


def test_an_accepted_order_is_understood_as_accepted():
    waiting = replace(BOOKED, status="accepted", transaction_id=None, booked_at=None)
    assert understand(PAYMENT, status_report(waiting, AT)) == Accepted()


@pytest.mark.parametrize(
    "code",
    [
        "account_closed",
        "account_not_found",
        "account_blocked",
        "limit_exceeded",
        "insufficient_funds",
        "odd_one",
    ],
)
def test_a_decline_is_understood_with_the_code_that_the_bank_gave(code):
    declined = replace(BOOKED, status="declined", transaction_id=None, decline_code=code)
    assert understand(PAYMENT, status_report(declined, AT)) == Declined(code, AMOUNT)


@pytest.mark.parametrize(
    ("xml", "sentence"),
    [
        (b"nonsense", "not well-formed"),
        (written(), "it is not one of"),
        (status_report(BOOKED, AT).replace(b"ACSC", b"XXXX"), "status XXXX is not one that we know"),
    ],
)
def test_an_answer_that_says_nothing_we_know_is_unexpected_and_never_a_result(xml, sentence):
    with pytest.raises(BankAnswerUnexpected, match=sentence):
        understand(PAYMENT, xml)


@pytest.mark.parametrize("write", [status_report, booking_notification])
def test_an_answer_about_another_payment_is_unexpected(write):
    with pytest.raises(BankAnswerUnexpected, match="another payment"):
        understand(UUID(int=7), write(BOOKED, AT))


def test_a_notification_is_read_as_a_booking_with_all_that_is_compared():
    (booking,) = bookings(booking_notification(BOOKED, AT), "a file")
    assert booking.line == StatementLine(PAYMENT, True, AMOUNT, "txn_abc", "a loan")
    assert booking.booked_at == "2026-11-24T10:15:01.123456+00:00"


def test_a_booking_is_the_same_when_it_is_notified_again_and_another_one_when_it_changed():
    (first,), (again,) = (
        bookings(booking_notification(BOOKED, at), "x") for at in (AT, AT + timedelta(days=1))
    )
    assert first == again
    for changed in (
        {"amount_minor": 120_051},
        {"transaction_id": "txn_abd"},
        {"reference": "another loan"},
        {"booked_at": "2026-11-24T10:15:01.123457Z"},
    ):
        (other,) = bookings(booking_notification(replace(BOOKED, **changed), AT), "x")
        assert other.digest != first.digest


def test_what_is_not_booked_yet_is_no_payment_of_the_statement():
    assert bookings(booking_notification(BOOKED, AT).replace(b"BOOK", b"PDNG"), "a file") == ()


def test_what_the_bank_returned_is_understood_from_its_notification_and_is_a_line_of_its_own():
    back = replace(
        BOOKED,
        status="returned",
        return_id="txn_b",
        return_code="account_closed",
        returned_at="2026-11-25T00:00:00Z",
    )
    assert understand(PAYMENT, status_report(back, AT), booking_notification(back, AT)) == Returned(
        "txn_abc", "account_closed", AMOUNT
    )
    gone, came = bookings(booking_notification(back, AT), "a file")
    assert (gone.line.is_paid, came.line.is_returned, came.line.amount) == (True, True, AMOUNT)


@pytest.mark.parametrize(
    ("xml", "sentence"),
    [
        (b"nonsense", "not well-formed"),
        (status_report(BOOKED, AT), "it is not one of"),
        (without("AcctSvcrRef"), "lacks one of"),
        (
            re.sub(rb"<DtTm>.*</DtTm>", b"<Dt>2026-11-24</Dt>", booking_notification(BOOKED, AT)),
            "BookgDt/DtTm",
        ),
    ],
)
def test_a_debit_of_ours_that_cannot_be_compared_refuses_the_statement_and_is_not_left_out(xml, sentence):
    with pytest.raises(BankAnswerUnexpected, match=f"^statement: 7.xml: .*{sentence}"):
        bookings(xml, "7.xml")
