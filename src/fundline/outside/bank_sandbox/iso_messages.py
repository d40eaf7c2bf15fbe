"""The bank's side of ISO 20022: reads a pain.001, writes a pain.002 about it, a camt.054 about its
booking, and a camt.053 about many."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError

from fundline.domain.money import Money
from fundline.outside.bank_sandbox.schemas import IbanPayee, PaymentOrder, UsPayee
from fundline.outside.bank_sandbox.store import Payment
from fundline.platform.iso20022 import (
    CREDIT_TRANSFERS,
    Amount,
    Content,
    MessageInvalid,
    MessageKind,
    Part,
    read_message,
    write_message,
)
from fundline.platform.refusals import Kind, Refusal

OWN_BIC = "COBADEFFXXX"
_CUSTOMER_ACCOUNT = "FUNDING"
"""The account of all customers' payments in notifications; the bank keeps no number of it."""
_STATUS = {"settled": "ACSC", "returned": "ACSC", "accepted": "ACSP", "declined": "RJCT"}
_REASONS: Mapping[str, str] = {
    "account_closed": "AC04",
    "account_not_found": "AC03",
    "account_blocked": "AC06",
    "limit_exceeded": "AM02",
    "insufficient_funds": "AM04",
}
"""ExternalStatusReason1Code; a code that is not here is told as the bank's own (`Prtry`)."""


class MessageRefused(Refusal):
    kind = Kind.INVALID
    code = "message-refused"
    title = "The message is not one that the bank takes"


def read_credit_transfer(xml: bytes) -> tuple[UUID, PaymentOrder]:
    """One payment, its id being the end-to-end id. Raises MessageRefused, which says no account."""
    try:
        message = read_message(xml, *CREDIT_TRANSFERS)
    except MessageInvalid as broken:
        raise MessageRefused(f"Nothing was booked: {broken}.") from None
    transfers = message.parts("PmtInf/CdtTrfTxInf")
    if len(transfers) != 1 or message.text("GrpHdr/NbOfTxs") != "1":
        raise MessageRefused("Nothing was booked: the bank takes one payment per message.")
    return _payment_id(transfers[0]), _order(transfers[0])


def status_report(payment: Payment, at: datetime) -> bytes:
    """pain.002.001.10 about an order, whatever has become of it."""
    key = UUID(payment.payment_id).hex
    transaction: dict[str, str | Amount | Content] = {
        "OrgnlInstrId": key,
        "OrgnlEndToEndId": key,
        "TxSts": _STATUS[payment.status],
    }
    if payment.decline_code is not None:
        reason = _REASONS.get(payment.decline_code)
        transaction["StsRsnInf"] = {"Rsn": {"Cd": reason} if reason else {"Prtry": payment.decline_code}}
    transaction["AccptncDtTm"] = payment.accepted_at
    if payment.transaction_id is not None:
        transaction["AcctSvcrRef"] = payment.transaction_id
    amount = Amount(Money(payment.amount_minor, payment.currency).text(), payment.currency)
    transaction["OrgnlTxRef"] = {"Amt": {"InstdAmt": amount}}
    content: Content = {
        "CstmrPmtStsRpt": {
            "GrpHdr": {
                "MsgId": f"S{key}",
                "CreDtTm": at.isoformat(),
                "DbtrAgt": {"FinInstnId": {"BICFI": OWN_BIC}},
            },
            "OrgnlGrpInfAndSts": {"OrgnlMsgId": key, "OrgnlMsgNmId": MessageKind.CREDIT_TRANSFER.value},
            "OrgnlPmtInfAndSts": {"OrgnlPmtInfId": key, "TxInfAndSts": transaction},
        }
    }
    return write_message(MessageKind.STATUS_REPORT, content)


def booking_notification(payment: Payment, at: datetime) -> bytes:
    """camt.054.001.08: the debit of a settled payment, and the credit of one that came back."""
    key = UUID(payment.payment_id).hex
    entries = [_entry(payment, "DBIT", payment.transaction_id or "", payment.booked_at or "")]
    if payment.return_id is not None:
        entries.append(_entry(payment, "CRDT", payment.return_id, payment.returned_at or ""))
    content: Content = {
        "BkToCstmrDbtCdtNtfctn": {
            "GrpHdr": {"MsgId": f"N{key}", "CreDtTm": at.isoformat()},
            "Ntfctn": {
                "Id": f"N{key}",
                "Acct": {"Id": {"Othr": {"Id": _CUSTOMER_ACCOUNT}}},
                "Ntry": entries,
            },
        }
    }
    return write_message(MessageKind.NOTIFICATION, content)


def account_statement(
    payments: Sequence[Payment], balances: Mapping[str, int], at: datetime, *, page: int, is_last: bool
) -> bytes:
    """camt.053.001.08: the bookings behind a place; its number is the place of the last of them.

    `balances`: what has gone from the account up to there, by currency.
    """
    place = str(payments[-1].position if payments else page)
    content: Content = {
        "BkToCstmrStmt": {
            "GrpHdr": {"MsgId": f"T{place}", "CreDtTm": at.isoformat()},
            "Stmt": {
                "Id": f"T{place}",
                "StmtPgntn": {"PgNb": "1", "LastPgInd": "true" if is_last else "false"},
                "ElctrncSeqNb": place,
                "CreDtTm": at.isoformat(),
                "Acct": {"Id": {"Othr": {"Id": _CUSTOMER_ACCOUNT}}},
                "Bal": [
                    _balance(currency, minor, at) for currency, minor in (balances or {"EUR": 0}).items()
                ],
                "Ntry": [_line(payment) for payment in payments],
            },
        }
    }
    return write_message(MessageKind.STATEMENT, content)


def _balance(currency: str, gone_minor: int, at: datetime) -> Content:
    return {
        "Tp": {"CdOrPrtry": {"Cd": "ITBD"}},
        "Amt": Amount(Money(abs(gone_minor), currency).text(), currency),
        "CdtDbtInd": "DBIT" if gone_minor > 0 else "CRDT",
        "Dt": {"DtTm": at.isoformat()},
    }


def _line(payment: Payment) -> Content:
    """Of what a statement has of a payment: its debit, or, where the money came back, the credit."""
    if payment.return_id is not None:
        return _entry(payment, "CRDT", payment.return_id, payment.returned_at or "")
    return _entry(payment, "DBIT", payment.transaction_id or "", payment.booked_at or "")


def _entry(payment: Payment, direction: str, reference: str, booked_at: str) -> Content:
    key, is_return = UUID(payment.payment_id).hex, direction == "CRDT"
    amount = Amount(Money(payment.amount_minor, payment.currency).text(), payment.currency)
    details: dict[str, str | Amount | Content] = {
        "Refs": {"AcctSvcrRef": reference, "InstrId": key, "EndToEndId": key},
        "Amt": amount,
        "CdtDbtInd": direction,
        "RmtInf": {"Ustrd": payment.reference},
    }
    if is_return:
        reason = _REASONS.get(payment.return_code or "")
        details["RtrInf"] = {"Rsn": {"Cd": reason} if reason else {"Prtry": payment.return_code or ""}}
    return {
        "Amt": amount,
        "CdtDbtInd": direction,
        **({"RvslInd": "true"} if is_return else {}),
        "Sts": {"Cd": "BOOK"},
        "BookgDt": {"DtTm": booked_at},
        "AcctSvcrRef": reference,
        "BkTxCd": {"Domn": {"Cd": "PMNT", "Fmly": {"Cd": "ICDT", "SubFmlyCd": "OTHR"}}},
        "NtryDtls": {"TxDtls": details},
    }


def last_word(payment: Payment, at: datetime) -> bytes:
    """A booking is notified, anything else reported."""
    if payment.status in {"settled", "returned"}:
        return booking_notification(payment, at)
    return status_report(payment, at)


def _payment_id(transfer: Part) -> UUID:
    try:
        return UUID(transfer.text("PmtId/EndToEndId") or "")
    except ValueError:
        raise MessageRefused("Nothing was booked: the end-to-end id is the payment's id, a UUID.") from None


def _order(transfer: Part) -> PaymentOrder:
    amount = transfer.amount("Amt/InstdAmt")
    reference = transfer.text("RmtInf/Ustrd")
    iban, number = transfer.text("CdtrAcct/Id/IBAN"), transfer.text("CdtrAcct/Id/Othr/Id")
    member = "CdtrAgt/FinInstnId/ClrSysMmbId"
    if amount is None or reference is None or (iban is None and number is None):
        raise MessageRefused("Nothing was booked: the bank wants InstdAmt, RmtInf/Ustrd and CdtrAcct.")
    try:
        if iban is not None:
            payee: IbanPayee | UsPayee = IbanPayee(type="iban", iban=iban)
        elif transfer.text(f"{member}/ClrSysId/Cd") == "USABA":
            payee = UsPayee.model_validate(
                {"type": "us", "routingNumber": transfer.text(f"{member}/MmbId"), "accountNumber": number}
            )
        else:
            raise MessageRefused("Nothing was booked: a number that is not an IBAN needs a USABA member id.")
        return PaymentOrder(amount=amount.text, currency=amount.currency, payee=payee, reference=reference)
    except ValidationError:
        raise MessageRefused(
            "Nothing was booked: a value does not have the form that the bank reads."
        ) from None
