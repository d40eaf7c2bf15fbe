"""What we say to a bank in ISO 20022, and how its answers are understood.

Every message has one payment. The payment id, without its hyphens because identifiers have at most 35 characters, is
message, instruction and end-to-end id: the bank knows a repeat by it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from fundline.platform.iso20022 import (
    Amount,
    Content,
    MessageInvalid,
    MessageKind,
    Part,
    read_message,
    write_message,
)
from fundline.records.accounts import IbanAccount, UsAccount
from fundline.services.disbursement_worker.payment_gateway import (
    Accepted,
    BankAnswer,
    BankAnswerUnexpected,
    Declined,
    OrderInvalid,
    PaymentOrder,
    Settled,
)

DECLINE_CODES = {
    "AC04": "account_closed",
    "AC03": "account_not_found",
    "AC06": "account_blocked",
    "AM02": "limit_exceeded",
    "AM04": "insufficient_funds",
}
"""ExternalStatusReason1Code (ISO 20022 external code sets) to the codes of our events; any other passes as it is."""
_SETTLED = frozenset({"ACSC", "ACCC"})
_ON_THE_WAY = frozenset({"RCVD", "ACTC", "ACCP", "ACSP", "ACWC", "PDNG"})
_REJECTED = "RJCT"
"""ExternalPaymentTransactionStatus1Code."""


@dataclass(frozen=True, slots=True)
class Debtor:
    """Who pays: the lender and its account at the bank."""

    name: str
    iban: str
    bic: str

    def __post_init__(self) -> None:
        try:
            IBAN(self.iban, validate_bban=True)
            BIC(self.bic)
        except SchwiftyException:
            raise ValueError(
                "FUNDLINE_BANK_DEBTOR_IBAN and FUNDLINE_BANK_DEBTOR_BIC must be an IBAN and a BIC."
            ) from None


def credit_transfer(order: PaymentOrder, debtor: Debtor, at: datetime) -> bytes:
    """pain.001.001.09. Raises OrderInvalid, which does not say the account."""
    key, moment = order.payment_id.hex, at.astimezone(UTC)
    amount = Amount(order.amount.text(), order.amount.currency)
    transfer: Content = {
        "PmtId": {"InstrId": key, "EndToEndId": key},
        "Amt": {"InstdAmt": amount},
        **_creditor(order.account()),
        "RmtInf": {"Ustrd": order.reference},
    }
    content: Content = {
        "CstmrCdtTrfInitn": {
            "GrpHdr": {
                "MsgId": key,
                "CreDtTm": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "NbOfTxs": "1",
                "CtrlSum": amount.text,
                "InitgPty": {"Nm": debtor.name},
            },
            "PmtInf": {
                "PmtInfId": key,
                "PmtMtd": "TRF",
                "NbOfTxs": "1",
                "CtrlSum": amount.text,
                "ReqdExctnDt": {"Dt": moment.date().isoformat()},
                "Dbtr": {"Nm": debtor.name},
                "DbtrAcct": {"Id": {"IBAN": debtor.iban}},
                "DbtrAgt": {"FinInstnId": {"BICFI": debtor.bic}},
                "ChrgBr": "SHAR",
                "CdtTrfTxInf": transfer,
            },
        }
    }
    try:
        return write_message(MessageKind.CREDIT_TRANSFER, content)
    except MessageInvalid as broken:
        raise OrderInvalid(f"payment {order.payment_id}: {broken}") from None


def understand(xml: bytes, payment_id: UUID) -> BankAnswer:
    """A pain.002 or camt.054 about this payment. Raises BankAnswerUnexpected."""
    try:
        message = read_message(xml, MessageKind.STATUS_REPORT, MessageKind.NOTIFICATION)
    except MessageInvalid as broken:
        raise BankAnswerUnexpected(f"payment {payment_id}: {broken}") from None
    if message.kind is MessageKind.NOTIFICATION:
        return _booked(message, payment_id)
    return _reported(message, payment_id)


def _creditor(account: IbanAccount | UsAccount) -> Content:
    if isinstance(account, IbanAccount):
        return {"CdtrAcct": {"Id": {"IBAN": account.iban}}}
    member: Content = {"ClrSysId": {"Cd": "USABA"}, "MmbId": account.routing_number}
    return {
        "CdtrAgt": {"FinInstnId": {"ClrSysMmbId": member}},
        "CdtrAcct": {"Id": {"Othr": {"Id": account.account_number}}},
    }


def _reported(report: Part, payment_id: UUID) -> BankAnswer:
    for transaction in report.parts("OrgnlPmtInfAndSts/TxInfAndSts"):
        if transaction.text("OrgnlEndToEndId") != payment_id.hex:
            continue
        status, reference = transaction.text("TxSts"), transaction.text("AcctSvcrRef")
        if status in _SETTLED and reference:
            return Settled(reference)
        if status in _ON_THE_WAY:
            return Accepted()
        reason = transaction.text("StsRsnInf/Rsn/Cd") or transaction.text("StsRsnInf/Rsn/Prtry")
        if status == _REJECTED and reason:
            return Declined(DECLINE_CODES.get(reason, reason))
        raise BankAnswerUnexpected(f"payment {payment_id}: status {status} without what belongs to it")
    raise BankAnswerUnexpected(f"the bank reported on another payment than {payment_id}")


def _booked(notification: Part, payment_id: UUID) -> BankAnswer:
    for entry in notification.parts("Ntfctn/Ntry"):
        is_debit = entry.text("CdtDbtInd") == "DBIT" and entry.text("Sts/Cd") == "BOOK"
        for references in entry.parts("NtryDtls/TxDtls/Refs"):
            reference = references.text("AcctSvcrRef")
            if is_debit and reference and references.text("EndToEndId") == payment_id.hex:
                return Settled(reference)
    raise BankAnswerUnexpected(f"the bank notified of another booking than that of {payment_id}")
