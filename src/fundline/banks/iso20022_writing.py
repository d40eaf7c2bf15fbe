"""What we say to a bank in ISO 20022: a pain.001, in the version and with the words that its profile wants.

A message that we send has one payment. Its id, without its hyphens because identifiers have at most 35 characters, is
message, instruction and end-to-end id: the bank knows a repeat by it.
"""

from datetime import UTC, datetime

from schwifty import IBAN

from fundline.banks.bank import (
    OrderInvalid,
    PaymentOrder,
)
from fundline.banks.latin import basic_latin
from fundline.banks.profile import BankProfile
from fundline.platform.iso20022 import (
    Amount,
    Content,
    MessageInvalid,
    MessageKind,
    write_message,
)
from fundline.records.accounts import IbanAccount, UsAccount

LONGEST_NAME = 70
"""Of a payee in SEPA and in SWIFT, though the schema has room for 140."""


def credit_transfer(order: PaymentOrder, profile: BankProfile, at: datetime) -> bytes:
    """pain.001. Raises OrderInvalid, which does not say the account."""
    key, moment, debtor = order.payment_id.hex, at.astimezone(UTC), profile.debtor
    amount, account = Amount(order.amount.text(), order.amount.currency), order.account()
    is_sepa = _is_sepa(account, amount.currency)
    day = profile.days.first_from(at).isoformat()
    is_old = profile.version is MessageKind.CREDIT_TRANSFER_3
    transfer: Content = {
        "PmtId": {"InstrId": key, "EndToEndId": key},
        "Amt": {"InstdAmt": amount},
        **_creditor(account, order.payee_name),
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
                **({"PmtTpInf": {"SvcLvl": {"Cd": "SEPA"}}} if is_sepa else {}),
                "ReqdExctnDt": day if is_old else {"Dt": day},
                "Dbtr": {"Nm": debtor.name},
                "DbtrAcct": {"Id": {"IBAN": debtor.iban}},
                "DbtrAgt": {"FinInstnId": {"BIC" if is_old else "BICFI": debtor.bic}},
                "ChrgBr": "SLEV" if is_sepa else profile.charge_bearer,
                "CdtTrfTxInf": transfer,
            },
        }
    }
    try:
        return write_message(profile.version, content)
    except MessageInvalid as broken:
        raise OrderInvalid(f"payment {order.payment_id}: {broken}") from None


def _is_sepa(account: IbanAccount | UsAccount, currency: str) -> bool:
    return currency == "EUR" and isinstance(account, IbanAccount) and bool(IBAN(account.iban).in_sepa_zone)


def _creditor(account: IbanAccount | UsAccount, name: str) -> Content:
    payee: Content = {"Cdtr": {"Nm": basic_latin(name, LONGEST_NAME)}}
    if isinstance(account, IbanAccount):
        return {**payee, "CdtrAcct": {"Id": {"IBAN": account.iban}}}
    member: Content = {"ClrSysId": {"Cd": "USABA"}, "MmbId": account.routing_number}
    return {
        "CdtrAgt": {"FinInstnId": {"ClrSysMmbId": member}},
        **payee,
        "CdtrAcct": {"Id": {"Othr": {"Id": account.account_number}}},
    }
