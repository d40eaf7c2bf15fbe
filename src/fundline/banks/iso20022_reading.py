"""How a bank's ISO 20022 messages are understood: reports (pain.002), notifications (camt.054), statements (camt.053).

Everything that a message says of a payment is read before anything is concluded from it. Versions differ in where a
thing stands; what is read here is looked for in each of its places.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import orjson

from fundline.banks.bank import BankAnswer, BankAnswerUnexpected
from fundline.banks.conclusion import Word, conclude
from fundline.banks.payment_statuses import (
    CANCELLED,
    DECLINE_CODES,
    GROUP_STATUSES,
    TRANSACTION_STATUSES,
    Meaning,
)
from fundline.banks.statement import Booking
from fundline.domain.money import Money, MoneyError
from fundline.platform.iso20022 import (
    NOTIFICATIONS,
    STATEMENTS,
    STATUS_REPORTS,
    Amount,
    MessageInvalid,
    Part,
    read_message,
)
from fundline.records.books import StatementLine

_LEDGERS = NOTIFICATIONS + STATEMENTS


def understand(payment_id: UUID, *messages: bytes) -> BankAnswer:
    """What the messages together say of this payment. Raises BankAnswerUnexpected."""
    try:
        words = [word for xml in messages for word in _words(xml, payment_id)]
        return conclude(words)
    except (MessageInvalid, BankAnswerUnexpected) as broken:
        raise BankAnswerUnexpected(f"payment {payment_id}: {broken}") from None


def bookings(xml: bytes, origin: str) -> tuple[Booking, ...]:
    """The bookings of payments in a notification or statement, and those that book one back. `origin` names it.

    Raises BankAnswerUnexpected. A debit that does not say all that a statement must is refused and not left out: it is
    money that went.
    """
    try:
        message = read_message(xml, *_LEDGERS)
        return tuple(
            _booking(entry, details, _booked_at(entry, message))
            for entry in _entries(message)
            if _is_booked(entry)
            for details in _transactions(entry)
        )
    except ValueError as broken:
        raise BankAnswerUnexpected(f"statement: {origin}: {broken}") from None


def _words(xml: bytes, payment_id: UUID) -> Iterator[Word]:
    message = read_message(xml, *STATUS_REPORTS, *_LEDGERS)
    return (_reported if message.kind in STATUS_REPORTS else _booked)(message, payment_id)


def _reported(report: Part, payment_id: UUID) -> Iterator[Word]:
    """The status of the message, of its part, and of the transaction: a bank may give any of the three."""
    for group in report.parts("OrgnlGrpInfAndSts"):
        if _is_ours(group.text("OrgnlMsgId"), payment_id):
            yield from _status(group, group.text("GrpSts"), is_transaction=False)
    for part in report.parts("OrgnlPmtInfAndSts"):
        if _is_ours(part.text("OrgnlPmtInfId"), payment_id):
            yield from _status(part, part.text("PmtInfSts"), is_transaction=False)
        for transaction in part.parts("TxInfAndSts"):
            name = transaction.text("OrgnlEndToEndId") or transaction.text("OrgnlInstrId")
            if _is_ours(name, payment_id):
                yield from _status(transaction, transaction.text("TxSts"), is_transaction=True)


def _status(place: Part, status: str | None, *, is_transaction: bool) -> Iterator[Word]:
    if status is None:
        return
    meaning = (TRANSACTION_STATUSES if is_transaction else GROUP_STATUSES).get(status)
    if meaning is None:
        raise BankAnswerUnexpected(f"status {status} is not one that we know")
    said = f"The bank gives the payment the status {status}." if meaning is Meaning.UNCLEAR else ""
    code = _reason(place, "StsRsnInf") if meaning is Meaning.REJECTED else None
    stated = place.amount("OrgnlTxRef/Amt/InstdAmt") or place.amount("OrgnlTxRef/IntrBkSttlmAmt")
    yield _with_amount(
        meaning,
        stated if is_transaction else None,
        reference=place.text("AcctSvcrRef") if is_transaction else None,
        code=CANCELLED if status == "CANC" and code is None else code,
        said=said,
    )


def _booked(message: Part, payment_id: UUID) -> Iterator[Word]:
    for entry in _entries(message):
        for details in entry.parts("NtryDtls/TxDtls") or [entry]:
            if _is_ours(details.text("Refs/EndToEndId") or entry.text("NtryRef"), payment_id):
                yield _movement(entry, details)


def _movement(entry: Part, details: Part) -> Word:
    reference, stated = _reference(entry, details), _stated(entry, details)
    if not _is_booked(entry):
        return _with_amount(Meaning.ON_THE_WAY, stated)
    if (details.text("CdtDbtInd") or entry.text("CdtDbtInd")) == "CRDT":
        return _with_amount(Meaning.CAME_BACK, stated, reference=reference, code=_reason(details, "RtrInf"))
    if entry.text("RvslInd") in {"true", "1"}:
        return Word(Meaning.UNCLEAR, said="The bank has booked a debit that it calls a reversal.")
    if details.parts("RtrInf"):
        return Word(Meaning.UNCLEAR, said="The bank has booked a debit that it calls a return.")
    return _with_amount(Meaning.SETTLED, stated, reference=reference)


def _with_amount(
    meaning: Meaning,
    stated: Amount | None,
    *,
    reference: str | None = None,
    code: str | None = None,
    said: str = "",
) -> Word:
    """An amount that no payment of ours can have makes it unclear: it contradicts whatever we ordered."""
    try:
        amount = None if stated is None else _money(stated)
    except MoneyError as impossible:
        return Word(Meaning.UNCLEAR, said=f"The bank states an amount that is not ours: {impossible}")
    return Word(meaning, reference, amount, code, said)


def _reason(place: Part, name: str) -> str | None:
    """The first code that is given. A sentence (`AddtlInf`) is no code, and may hold an account number."""
    for information in place.parts(name):
        code = information.text("Rsn/Cd") or information.text("Rsn/Prtry")
        if code:
            return DECLINE_CODES.get(code, code)
    return None


def _entries(message: Part) -> list[Part]:
    return message.parts("Ntfctn/Ntry") + message.parts("Stmt/Ntry")


def _is_booked(entry: Part) -> bool:
    """The status is a choice since version 8, and was plain text before."""
    return (entry.text("Sts/Cd") or entry.text("Sts")) == "BOOK"


def _reference(entry: Part, details: Part) -> str | None:
    """Of the transaction; that of its entry where the entry is one transaction."""
    own = details.text("Refs/AcctSvcrRef")
    return own or (entry.text("AcctSvcrRef") if len(entry.parts("NtryDtls/TxDtls")) <= 1 else None)


def _stated(entry: Part, details: Part) -> Amount | None:
    own = details.amount("Amt") or details.amount("AmtDtls/TxAmt/Amt")
    return own or (entry.amount("Amt") if len(entry.parts("NtryDtls/TxDtls")) <= 1 else None)


def _is_id(name: str | None) -> bool:
    try:
        return name is not None and bool(UUID(name))
    except ValueError:
        return False


def _is_ours(name: str | None, payment_id: UUID) -> bool:
    """However the bank writes it: banks change the case of what they are given."""
    try:
        return name is not None and UUID(name) == payment_id
    except ValueError:
        return False


def _money(amount: Amount) -> Money:
    """`1000`, `1000.0` and `1000.00000` are one amount. Raises MoneyError."""
    return Money.parse(f"{Decimal(amount.text).normalize():f}", amount.currency)


def _transactions(entry: Part) -> list[Part]:
    """Raises ValueError: a debit without details is one that we cannot compare.

    Of what comes in only money of payments counts: the rest has no id of ours.
    """
    found = entry.parts("NtryDtls/TxDtls")
    if entry.text("CdtDbtInd") == "CRDT":
        return [details for details in found if _is_id(details.text("Refs/EndToEndId"))]
    if not found:
        raise ValueError("a debit does not say its transactions (NtryDtls/TxDtls)")
    return found


def _booked_at(entry: Part, message: Part) -> str | None:
    """A statement says a day only: then the moment of its making, which keeps the order of statements.

    A notification that does so has no order that is known, and is refused.
    """
    moment = entry.text("BookgDt/DtTm")
    if moment is None and message.kind in STATEMENTS:
        return message.text("GrpHdr/CreDtTm")
    return moment


def _booking(entry: Part, details: Part, booked_at: str | None) -> Booking:
    """Raises ValueError."""
    payment_id, transaction_id = details.text("Refs/EndToEndId"), _reference(entry, details)
    amount = _stated(entry, details)
    if payment_id is None or transaction_id is None or amount is None or booked_at is None:
        raise ValueError("a debit lacks one of EndToEndId, AcctSvcrRef, Amt and BookgDt/DtTm")
    is_returned = entry.text("CdtDbtInd") == "CRDT"
    line = StatementLine(
        UUID(payment_id),
        not is_returned,
        _money(amount),
        transaction_id,
        details.text("RmtInf/Ustrd") or "",
        is_returned,
    )
    moment = datetime.fromisoformat(booked_at)
    at = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).isoformat(timespec="microseconds")
    whole = [
        line.payment_id.hex,
        line.amount.text(),
        line.amount.currency,
        transaction_id,
        line.reference,
        at,
        *(["returned"] if is_returned else []),
    ]
    return Booking(line, hashlib.sha256(orjson.dumps(whole)).digest(), at)
