"""What is asked about funding."""

from typing import Annotated, Literal

from pydantic import Field

from fundline.platform.paging import Cursor
from fundline.platform.shapes import Asked, Reason


class CommitmentRequest(Asked):
    """`raise`: the lender has committed this much more; `lower`: this much less."""

    account: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,63}$")]
    currency: Annotated[str, Field(max_length=3)]
    change: Literal["raise", "lower"] = "raise"
    amount: Annotated[str, Field(max_length=24)]
    reason: Reason


class CommitmentDecision(Asked):
    """Why it is agreed to, or not; kept in the audit trail."""

    reason: Reason


class CommitmentQuery(Asked):
    cursor: Cursor | None = None
    state: Literal["proposed", "agreed", "withdrawn"] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
