"""Debits on our account that are not of our payments: a fee of the bank, an order by hand. They refuse no statement.

One fee without an id refused the whole statement, run after run, and no payment was reconciled any more.
"""

import itertools
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from fundline.banks.bank import BankAnswerUnexpected
from fundline.banks.iso20022_statement import bookings, statement_page
from fundline.domain.money import Money
from fundline.outside.bank_sandbox.iso_messages import account_statement, booking_notification
from fundline.outside.bank_sandbox.store import Payment
from fundline.records.books import BankDifference, compare

PAYMENT = UUID("01a20853-4432-72b9-b0b1-e353e0d43fd9")
AT = datetime(2026, 11, 24, 10, 15, tzinfo=UTC)
MOMENT = "2026-11-24T10:15:00+00:00"


def payment(number: int = 1, **changes) -> Payment:
    made = Payment(
        number, str(UUID(int=number)), b"", "settled", f"txn_{number}", None, 120_050, "USD", "5544", "a loan",
        MOMENT, MOMENT,
    )  # fmt: skip
    return replace(made, **changes)


def statement(*payments: Payment, is_last: bool = True) -> bytes:
    return account_statement(payments, {"USD": 120_050}, AT, page=7, is_last=is_last)


def foreign(xml: bytes, change: str) -> bytes:
    """The message with its second entry as somebody else's."""
    key = UUID(int=2).hex.encode()
    changes = {
        "another id": lambda x: x.replace(b"<EndToEndId>" + key, b"<EndToEndId>invoice 7"),
        "no id": lambda x: x.replace(b"<EndToEndId>" + key + b"</EndToEndId>", b""),
        "an id of nothing": lambda x: x.replace(b"<EndToEndId>" + key, b"<EndToEndId>NOTPROVIDED"),
        "no details": lambda x: (
            x[: x.rindex(b"<NtryDtls>")] + x[x.rindex(b"</NtryDtls>") + len(b"</NtryDtls>") :]
        ),
        "no reference": lambda x: re.sub(rb"<AcctSvcrRef>txn_2</AcctSvcrRef>", b"", changes["no id"](x)),
        "a day only": lambda x: re.sub(
            rb"<BookgDt><DtTm>[^<]*</DtTm></BookgDt>(?=<AcctSvcrRef>txn_2)",
            b"<BookgDt><Dt>2026-11-24</Dt></BookgDt>",
            changes["another id"](x),
        ),
        "another currency": lambda x: (
            changes["another id"](x)[: x.rindex(b"<Ntry>")]
            + changes["another id"](x)[x.rindex(b"<Ntry>") :].replace(b'"USD"', b'"CHF"')
        ),
    }
    return changes[change](xml)


CHANGES = [
    "another id",
    "no id",
    "an id of nothing",
    "no details",
    "no reference",
    "a day only",
    "another currency",
]


def notification(*payments: Payment) -> bytes:
    """Both in one message, as a bank may send them."""
    first, second = (booking_notification(one, AT) for one in payments)
    entry = second[second.index(b"<Ntry>") : second.index(b"</Ntry>") + len(b"</Ntry>")]
    return first.replace(b"</Ntry>", b"</Ntry>" + entry, 1)


@pytest.mark.parametrize(
    ("make", "change"),
    list(itertools.product([statement, notification], CHANGES)),
    ids=lambda one: one.__name__ if callable(one) else one,
)
def test_a_debit_without_our_id_is_a_booking_that_no_payment_of_ours_has(make, change):
    xml = foreign(make(payment(1), payment(2)), change)
    ours, theirs = (booking.line for booking in bookings(xml, "a file"))
    assert (ours.payment_id, ours.transaction_id) == (UUID(int=1), "txn_1")
    assert theirs.payment_id not in {UUID(int=1), UUID(int=2)}
    assert (theirs.is_paid, theirs.is_returned) == (True, False)
    assert theirs.amount == Money(120_050, "CHF" if change == "another currency" else "USD")
    assert theirs.transaction_id == (None if change == "no reference" else "txn_2")
    assert compare(None, theirs) is BankDifference.NOT_OURS


@pytest.mark.parametrize("change", CHANGES)
def test_it_is_the_same_booking_whenever_it_is_read_and_another_one_than_any_other(change):
    xml = foreign(statement(payment(1), payment(2)), change)
    later = foreign(
        account_statement([payment(1), payment(2)], {}, AT + timedelta(hours=1), page=1, is_last=True), change
    )
    first, again = (bookings(one, "a file")[1] for one in (xml, later))
    assert first.line == again.line
    other = foreign(statement(payment(1), payment(2, booked_at="2026-11-25T00:00:00Z")), change)
    if change != "a day only":
        assert bookings(other, "a file")[1].digest != first.digest


def test_what_comes_in_without_our_id_is_no_line():
    xml = statement(payment(1)).replace(b"DBIT</CdtDbtInd><Sts>", b"CRDT</CdtDbtInd><Sts>")
    assert bookings(xml.replace(UUID(int=1).hex.encode(), b"invoice 7"), "a file") == ()


@pytest.mark.parametrize("count", [0, 1, 3])
@pytest.mark.parametrize("is_last", [True, False])
def test_a_page_says_where_the_next_one_begins(count, is_last):
    sent = [payment(number) for number in range(1, count + 1)]
    page = statement_page(statement(*sent, is_last=is_last), "a page")
    assert [booking.line.payment_id.int for booking in page.bookings] == list(range(1, count + 1))
    assert page.following == (None if is_last else str(count or 7))


def test_a_page_that_does_not_say_so_is_no_page():
    xml = re.sub(rb"<StmtPgntn>.*</StmtPgntn>", b"", statement(payment(1)))
    with pytest.raises(BankAnswerUnexpected, match="where the next page begins"):
        statement_page(xml, "a page")


def test_money_that_came_back_is_a_credit_of_the_statement():
    back = payment(
        2,
        status="returned",
        return_id="txn_back",
        return_code="account_closed",
        returned_at="2026-11-25T00:00:00Z",
    )
    (booking,) = statement_page(statement(back), "a page").bookings
    assert (booking.line.is_returned, booking.line.transaction_id) == (True, "txn_back")
