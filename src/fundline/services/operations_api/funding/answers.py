"""Sources of funding and their commitments, as they are answered."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from fundline.contracts.payloads import AmountText
from fundline.domain.money import Money
from fundline.platform.paging import Page
from fundline.platform.shapes import Answer, Moment


class FundingSource(Answer):
    """Payments in this currency draw on it until nothing is available."""

    account: str
    currency: str
    committed: AmountText
    drawn: AmountText
    available: AmountText


class FundingSources(Answer):
    items: list[FundingSource]


class FundingCommitment(Answer):
    """A change of what is committed; it counts when another person agrees."""

    id: UUID
    account: str
    currency: str
    amount: Annotated[str, Field(description="With a minus: less is committed.")]
    reason: str
    state: Literal["proposed", "agreed", "withdrawn"]
    requested_by: str
    requested_at: Moment
    decided_by: str | None
    decided_at: Moment | None


class FundingCommitmentPage(Page[FundingCommitment]):
    """Newest first. `next_cursor` is the `cursor` of the next page; null on the last."""


def source_of(row: Any) -> FundingSource:
    currency, committed, drawn = row["currency"], row["committed_minor"], row["drawn_minor"]
    return FundingSource(
        account=row["account"],
        currency=currency,
        committed=Money(committed, currency).text(),
        drawn=Money(drawn, currency).text(),
        available=Money(committed - drawn, currency).text(),
    )


def commitment_of(row: Any) -> FundingCommitment:
    return FundingCommitment(
        id=row["commitment_id"],
        account=row["account"],
        currency=row["currency"],
        amount=Money(row["amount_minor"], row["currency"]).text(),
        reason=row["reason"],
        state=row["state"],
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
    )
