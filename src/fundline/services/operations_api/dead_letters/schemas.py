"""What is asked about dead letters."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from fundline.platform.paging import Cursor
from fundline.platform.shapes import Asked, Reason
from fundline.platform.texts import Line
from fundline.records.dead_letters import LetterState

Name = Annotated[str, Line(1, 200)]
LONGEST_BATCH_S = 20
"""A delayed event waits in the consumer's hands; the runtime holds none longer than its longest retry pause."""


class DeadLetterQuery(Asked):
    """`cause`: a part of the text; `application`: its id or its tracking id."""

    cursor: Cursor | None = None
    state: LetterState | None = None
    topic: Name | None = None
    group: Name | None = None
    cause: Name | None = None
    application: Annotated[str, Line(1, 64)] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ReasonRequest(Asked):
    """Why; kept in the audit trail."""

    reason: Reason


class ReplayRequest(ReasonRequest):
    """`payload`: what to send instead of the original; the original is kept."""

    payload: dict[str, Any] | None = None


class ApprovalRequest(ReasonRequest):
    """`payload_sha256` is that of the letter as it was shown: what was looked at is what is sent."""

    payload_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class BulkReplayRequest(ReasonRequest):
    """Open letters, oldest first, that fit the filter; `after`: the `nextAfter` of the batch before."""

    topic: Name
    group: Name | None = None
    cause: Name | None = None
    after: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 100
    per_second: Annotated[float, Field(gt=0, le=1000)] = 10.0

    @model_validator(mode="after")
    def _is_paced(self) -> Self:
        if self.limit / self.per_second > LONGEST_BATCH_S:
            raise ValueError(
                f"One batch may take {LONGEST_BATCH_S} seconds: lower limit, or raise perSecond."
            )
        return self
