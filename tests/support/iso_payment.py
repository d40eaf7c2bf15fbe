"""One payment in ISO 20022: our order, and the booking that the sandbox bank makes of it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fundline.banks.bank import PaymentOrder
from fundline.banks.business_days import BusinessDays
from fundline.banks.iso20022_writing import credit_transfer
from fundline.banks.profile import BankProfile, Debtor
from fundline.domain.money import Money
from fundline.outside.bank_sandbox.store import Payment

PAYMENT = UUID("01a20853-4432-72b9-b0b1-e353e0d43fd9")
AT = datetime(2026, 11, 24, 10, 15, 0, 123456, tzinfo=UTC)
DEBTOR = Debtor("Fundline", "DE89370400440532013000", "COBADEFFXXX")
PROFILE = BankProfile(DEBTOR, BusinessDays("Europe/Berlin", "XECB"))
AMOUNT = Money(120_050, "USD")
IBAN = "DE75512108001245126199"
IBAN_PAYEE = {"type": "iban", "iban": IBAN}
US_NUMBER = "998877665544"
US_PAYEE = {"type": "us", "routingNumber": "021000021", "accountNumber": US_NUMBER}
BOOKED = Payment(
    1,
    str(PAYMENT),
    b"",
    "settled",
    "txn_abc",
    None,
    120_050,
    "USD",
    "5544",
    "a loan",
    "2026-11-24T10:15:00.123456Z",
    "2026-11-24T10:15:01.123456Z",
)


def order(
    payee: dict[str, Any] = US_PAYEE, amount: Money = AMOUNT, reference: str = "a loan"
) -> PaymentOrder:
    """What we want to be paid."""
    return PaymentOrder(PAYMENT, amount, payee, reference, "Harbor Street Bakery LLC")


def written(payee: dict[str, Any] = US_PAYEE, *, at: datetime = AT, **changes: Any) -> bytes:
    """The order as pain.001."""
    return credit_transfer(order(payee, **changes), PROFILE, at)
