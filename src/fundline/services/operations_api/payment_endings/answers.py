"""An ending of a payment, as it is answered."""

from typing import Any, Literal
from uuid import UUID

from fundline.contracts.payloads import AmountText
from fundline.domain.money import Money
from fundline.platform.paging import Page
from fundline.platform.shapes import Answer, Moment


class PaymentEnding(Answer):
    """What one person says became of a payment; the payment has this result when another agrees."""

    id: UUID
    application_id: UUID
    payment_id: UUID
    amount: AmountText
    currency: str
    outcome: Literal["settled", "failed", "returned"]
    transaction_id: str | None
    code: str | None
    evidence: str
    reason: str
    state: Literal["proposed", "agreed", "withdrawn"]
    requested_by: str
    requested_at: Moment
    decided_by: str | None
    decided_at: Moment | None


class PaymentEndingPage(Page[PaymentEnding]):
    """Newest first. `next_cursor` is the `cursor` of the next page; null on the last."""


def ending_of(row: Any) -> PaymentEnding:
    return PaymentEnding(
        id=row["ending_id"],
        application_id=row["application_id"],
        payment_id=row["payment_id"],
        amount=Money(row["amount_minor"], row["currency"]).text(),
        currency=row["currency"],
        outcome=row["outcome"],
        transaction_id=row["transaction_id"],
        code=row["code"],
        evidence=row["evidence"],
        reason=row["reason"],
        state=row["state"],
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
    )
