"""What a bank's ISO 20022 messages say of one payment: reports (pain.002), notifications (camt.054), statements.

Everything that a message says of a payment is read before anything is concluded from it. Versions differ in where a
thing stands; what is read here is looked for in each of its places.
"""

from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID

from fundline.banks.bank import BankAnswer, BankAnswerUnexpected
from fundline.banks.conclusion import Word, conclude
from fundline.banks.payment_statuses import (
    CANCELLED,
    DECLINE_CODES,
    GROUP_STATUSES,
    TRANSACTION_STATUSES,
    Meaning,
)
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

LEDGERS = NOTIFICATIONS + STATEMENTS


def understand(payment_id: UUID, *messages: bytes) -> BankAnswer:
    """What the messages together say of this payment. Raises BankAnswerUnexpected."""
    try:
        words = [word for xml in messages for word in _words(xml, payment_id)]
        return conclude(words)
    except (MessageInvalid, BankAnswerUnexpected) as broken:
        raise BankAnswerUnexpected(f"payment {payment_id}: {broken}") from None


def _words(xml: bytes, payment_id: UUID) -> Iterator[Word]:
    message = read_message(xml, *STATUS_REPORTS, *LEDGERS)
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
    for entry in entries(message):
        for details in entry.parts("NtryDtls/TxDtls") or [entry]:
            if _is_ours(details.text("Refs/EndToEndId") or entry.text("NtryRef"), payment_id):
                yield _movement(entry, details)


def _movement(entry: Part, details: Part) -> Word:
    reference, stated = reference_of(entry, details), amount_of(entry, details)
    if not is_booked(entry):
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
        amount = None if stated is None else money(stated)
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


def entries(message: Part) -> list[Part]:
    """Of a notification or a statement."""
    return message.parts("Ntfctn/Ntry") + message.parts("Stmt/Ntry")


def is_booked(entry: Part) -> bool:
    """The status is a choice since version 8, and was plain text before."""
    return (entry.text("Sts/Cd") or entry.text("Sts")) == "BOOK"


def reference_of(entry: Part, details: Part) -> str | None:
    """Of the transaction; that of its entry where the entry is one transaction."""
    own = details.text("Refs/AcctSvcrRef")
    return own or (entry.text("AcctSvcrRef") if len(entry.parts("NtryDtls/TxDtls")) <= 1 else None)


def amount_of(entry: Part, details: Part) -> Amount | None:
    """The amount of the transaction; that of its entry where the entry is one transaction."""
    own = details.amount("Amt") or details.amount("AmtDtls/TxAmt/Amt")
    return own or (entry.amount("Amt") if len(entry.parts("NtryDtls/TxDtls")) <= 1 else None)


def _is_ours(name: str | None, payment_id: UUID) -> bool:
    """However the bank writes it: banks change the case of what they are given."""
    try:
        return name is not None and UUID(name) == payment_id
    except ValueError:
        return False


def money(amount: Amount) -> Money:
    """`1000`, `1000.0` and `1000.00000` are one amount. Raises MoneyError."""
    return Money.parse(f"{Decimal(amount.text).normalize():f}", amount.currency)
