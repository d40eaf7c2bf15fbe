"""The bookings of a bank's notifications (camt.054) and statements (camt.053): what our own books are compared with."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid5

import orjson

from fundline.banks.bank import BankAnswerUnexpected
from fundline.banks.iso20022_reading import LEDGERS, amount_of, entries, is_booked, money, reference_of
from fundline.banks.statement import Booking, StatementPage
from fundline.domain.money import MINOR_UNITS, Money
from fundline.platform.iso20022 import STATEMENTS, Amount, MessageInvalid, Part, read_message
from fundline.records.books import StatementLine

_NOT_OURS = UUID("6b0f7a8e-52c5-5d0a-9d0a-1f3c8f0a5d11")
"""The namespace of ids for bookings that have none of ours."""


def bookings(xml: bytes, origin: str) -> tuple[Booking, ...]:
    """The debits in a notification or statement, and the credits that book one of ours back. `origin` names it.

    Raises BankAnswerUnexpected. A debit with our id that does not say all that a statement must is refused and not left
    out. One without our id (the bank's fee, somebody else's order) is money that went all the same: it has an id of its
    own, made of the bank's reference, that no payment of ours has.
    """
    return _bookings(_read(xml, origin), origin)


def statement_page(xml: bytes, origin: str) -> StatementPage:
    """One page of a statement: its electronic number is the place where the next one begins.

    Raises BankAnswerUnexpected.
    """
    message = _read(xml, origin)
    number, is_last = message.text("Stmt/ElctrncSeqNb"), message.text("Stmt/StmtPgntn/LastPgInd")
    if number is None or is_last is None:
        raise BankAnswerUnexpected(f"statement: {origin}: it does not say where the next page begins")
    return StatementPage(_bookings(message, origin), None if is_last in {"true", "1"} else number)


def _read(xml: bytes, origin: str) -> Part:
    try:
        return read_message(xml, *LEDGERS)
    except MessageInvalid as broken:
        raise BankAnswerUnexpected(f"statement: {origin}: {broken}") from None


def _bookings(message: Part, origin: str) -> tuple[Booking, ...]:
    try:
        return tuple(_each(message))
    except ValueError as broken:
        raise BankAnswerUnexpected(f"statement: {origin}: {broken}") from None


def _each(message: Part) -> Iterator[Booking]:
    for entry in filter(is_booked, entries(message)):
        is_credit = entry.text("CdtDbtInd") == "CRDT"
        for details in entry.parts("NtryDtls/TxDtls") or [entry]:
            payment_id = _id_of(entry, details)
            if payment_id is not None:
                yield _of_payment(message, entry, details, payment_id, is_returned=is_credit)
            elif not is_credit:  # of what comes in only money of payments counts
                yield _of_somebody(message, entry, details)


def _of_payment(message: Part, entry: Part, details: Part, payment_id: UUID, *, is_returned: bool) -> Booking:
    """Raises ValueError."""
    transaction_id, amount = reference_of(entry, details), amount_of(entry, details)
    moment = _moment(message, entry)
    if transaction_id is None or amount is None or moment is None:
        raise ValueError("a debit of ours lacks one of AcctSvcrRef, Amt and BookgDt/DtTm")
    text = details.text("RmtInf/Ustrd") or ""
    line = StatementLine(payment_id, not is_returned, money(amount), transaction_id, text, is_returned)
    return _booking(line, amount, moment)


def _of_somebody(message: Part, entry: Part, details: Part) -> Booking:
    """Whatever it lacks, it is a booking: people have to see it."""
    amount = amount_of(entry, details) or entry.amount("Amt") or Amount("0", "EUR")
    moment = _moment(message, entry) or entry.text("BookgDt/Dt") or message.text("GrpHdr/CreDtTm") or ""
    name = reference_of(entry, details) or entry.text("NtryRef")
    key = name or "|".join((*amount, moment, details.text("Refs/EndToEndId") or ""))
    line = StatementLine(
        uuid5(_NOT_OURS, key), True, _any_money(amount), name, details.text("RmtInf/Ustrd") or ""
    )
    return _booking(line, amount, moment)


def _id_of(entry: Part, details: Part) -> UUID | None:
    try:
        return UUID(details.text("Refs/EndToEndId") or entry.text("NtryRef") or "")
    except ValueError:
        return None


def _moment(message: Part, entry: Part) -> str | None:
    """A statement says a day only: then the moment of its making, which keeps the order of statements.

    A notification that does so has no order that is known.
    """
    moment = entry.text("BookgDt/DtTm")
    if moment is None and message.kind in STATEMENTS:
        return message.text("GrpHdr/CreDtTm")
    return moment


def _any_money(amount: Amount) -> Money:
    """Also in a currency that we do not lend in: then in hundredths."""
    if amount.currency in MINOR_UNITS:
        return money(amount)
    return Money(int(Decimal(amount.text).scaleb(2)), amount.currency)


def _booking(line: StatementLine, amount: Amount, moment: str) -> Booking:
    """Raises ValueError."""
    booked = datetime.fromisoformat(moment)
    at = booked.replace(tzinfo=booked.tzinfo or UTC).astimezone(UTC).isoformat(timespec="microseconds")
    whole = [
        line.payment_id.hex,
        line.amount.text() if amount.currency in MINOR_UNITS else amount.text,
        amount.currency,
        line.transaction_id,
        line.reference,
        at,
        *(["returned"] if line.is_returned else []),
    ]
    return Booking(line, hashlib.sha256(orjson.dumps(whole)).digest(), at)
