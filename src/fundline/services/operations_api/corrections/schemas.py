"""What is asked about ledger corrections."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from fundline.platform.paging import Cursor
from fundline.platform.shapes import Asked, Reason

_ACCOUNT = Field(pattern=r"^[a-z0-9_]{1,63}$")


class CorrectTransfer(Asked):
    """What should have been booked: an amount from the credited account to the debited one."""

    debit: Annotated[str, _ACCOUNT]
    credit: Annotated[str, _ACCOUNT]
    amount: Annotated[str, Field(max_length=24)]
    currency: Annotated[str, Field(max_length=3)]


class CorrectionRequest(Asked):
    """Reverse the transfer; `instead` stands in its place, or nothing does."""

    transfer_id: UUID
    reason: Reason
    instead: CorrectTransfer | None = None


class CorrectionDecision(Asked):
    """Why it is agreed to, or not; kept in the audit trail."""

    reason: Reason


class CorrectionQuery(Asked):
    cursor: Cursor | None = None
    state: Literal["proposed", "booked", "withdrawn"] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
