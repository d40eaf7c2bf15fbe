"""What we say to a bank in ISO 20022: a pain.001.

A message that we send has one payment. Its id, without its hyphens because identifiers have at most 35 characters, is
message, instruction and end-to-end id: the bank knows a repeat by it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from schwifty import BIC, IBAN
from schwifty.exceptions import SchwiftyException

from fundline.banks.bank import (
    OrderInvalid,
    PaymentOrder,
)
from fundline.platform.iso20022 import (
    Amount,
    Content,
    MessageInvalid,
    MessageKind,
    write_message,
)
from fundline.records.accounts import IbanAccount, UsAccount


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


def _creditor(account: IbanAccount | UsAccount) -> Content:
    if isinstance(account, IbanAccount):
        return {"CdtrAcct": {"Id": {"IBAN": account.iban}}}
    member: Content = {"ClrSysId": {"Cd": "USABA"}, "MmbId": account.routing_number}
    return {
        "CdtrAgt": {"FinInstnId": {"ClrSysMmbId": member}},
        "CdtrAcct": {"Id": {"Othr": {"Id": account.account_number}}},
    }
