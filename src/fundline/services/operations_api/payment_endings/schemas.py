"""What is asked about endings of payments."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from fundline.platform.paging import Cursor
from fundline.platform.shapes import Asked, Reason
from fundline.platform.texts import Line

_WORD = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$")


class EndingRequest(Asked):
    """`settled` has the bank's `transactionId`, `failed` its `code`, `returned` both."""

    application_id: UUID
    outcome: Literal["settled", "failed", "returned"]
    transaction_id: Annotated[str, _WORD] | None = None
    code: Annotated[str, _WORD] | None = None
    evidence: Annotated[
        str,
        Line(20, 2000),
        Field(
            description="What the bank has written: which letter or message, of which day, and its words. "
            "No account number.",
        ),
    ]
    reason: Reason


class EndingDecision(Asked):
    """Why it is agreed to, or not; kept in the audit trail."""

    reason: Reason


class EndingQuery(Asked):
    cursor: Cursor | None = None
    state: Literal["proposed", "agreed", "withdrawn"] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
