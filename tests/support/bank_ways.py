"""Every way to a bank that there is, and orders that go over it."""

import asyncio
import contextlib
from types import UnionType
from typing import Any
from uuid import UUID

from fundline.banks.bank import (
    Bank,
    BankAnswer,
    Declined,
    PaymentOrder,
    Settled,
)
from fundline.domain.money import Money
from fundline.platform.clock import new_id
from fundline.platform.http.client import CallUnanswered

US_NUMBER = "998877665544"
US_PAYEE = {"type": "us", "routingNumber": "021000021", "accountNumber": US_NUMBER}
IBAN_PAYEE = {"type": "iban", "iban": "DE75512108001245126199"}
WAYS = {
    "sandbox": {"bank_adapter": "sandbox"},
    "iso-http": {"bank_adapter": "iso20022"},
    "iso-files": {"bank_adapter": "iso20022", "bank_iso_transport": "files"},
}
OVER_HTTP = ["sandbox", "iso-http"]
"""Files know no statuses: there a busy or failing bank is one that has not answered yet."""
SHORT_S = 0.6


def order(
    payee: dict[str, Any] = US_PAYEE,
    amount: str = "1200.50",
    currency: str = "USD",
    reference: str | None = None,
) -> PaymentOrder:
    """A payment that no bank has seen."""
    payment_id = new_id()
    return PaymentOrder(
        payment_id, Money.parse(amount, currency), payee, reference or f"loan {payment_id}", "A business"
    )


async def until_final(
    gateway: Bank, payment_id: UUID, kinds: type[Any] | UnionType = Settled | Declined
) -> BankAnswer:
    """What the bank says at last."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(CallUnanswered):
                found = await gateway.find(payment_id)
                if found is not None and isinstance(found, kinds):
                    return found
            await asyncio.sleep(0.05)
