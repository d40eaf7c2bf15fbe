"""A payment, as it is answered."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from fundline.contracts.payloads import AmountText
from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.platform.paging import Page
from fundline.platform.shapes import Answer, Moment


class Payment(Answer):
    """The payment of an application, as its operators see it. No part of the account is shown."""

    application_id: UUID
    payment_id: UUID
    amount: AmountText
    currency: str
    state: PaymentState
    approved_by: Annotated[str | None, Field(description="The underwriter, or `policy:` and which one.")]
    needs_release: Annotated[bool, Field(description="Above the limit of its currency.")]
    waits_for_release: bool
    released_by: str | None
    released_at: Moment | None
    release_reason: str | None
    opened_at: Moment
    requested_at: Moment | None
    submitted_at: Moment | None
    unknown_since: Moment | None
    next_step_at: Annotated[Moment | None, Field(description="When a worker goes on with it.")]
    steps: Annotated[int, Field(ge=0, description="Of the workers since it was submitted.")]
    escalated_at: Moment | None
    finished_at: Moment | None
    transaction_id: str | None
    failure_code: str | None
    replaced: Annotated[
        list[UUID],
        Field(description="Payments of the application that failed before another account was named."),
    ]


class PaymentPage(Page[Payment]):
    """Of the newest application first. `next_cursor` is the `cursor` of the next page; null on the last."""


def waits_for_release(row: Any) -> bool:
    is_open = row["state"] == PaymentState.REQUESTED.value
    return is_open and row["needs_release"] and row["released_by"] is None


def payment_of(row: Any) -> Payment:
    return Payment(
        application_id=row["application_id"],
        payment_id=row["payment_id"],
        amount=Money(row["amount_minor"], row["currency"]).text(),
        currency=row["currency"],
        state=row["state"],
        approved_by=row["approved_by"],
        needs_release=row["needs_release"],
        waits_for_release=waits_for_release(row),
        released_by=row["released_by"],
        released_at=row["released_at"],
        release_reason=row["release_reason"],
        opened_at=row["created_at"],
        requested_at=row["requested_at"],
        submitted_at=row["submitted_at"],
        unknown_since=row["unknown_since"],
        next_step_at=row["next_step_at"],
        steps=row["steps"],
        escalated_at=row["escalated_at"],
        finished_at=row["finished_at"],
        transaction_id=row["transaction_id"],
        failure_code=row["failure_code"],
        replaced=row["replaced"],
    )
