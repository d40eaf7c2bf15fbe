"""An application's story, as it is answered."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from fundline.platform.shapes import Answer, Moment


class AuditedEntry(Answer):
    """Who (`process`, and `subject` when a person asked for it), what, when, why, on which evidence."""

    sequence: Annotated[int, Field(ge=1)]
    at: Moment
    process: str
    subject: str | None
    action: Annotated[str, Field(examples=["review.decided"])]
    reason: str
    details: dict[str, Any]
    evidence_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None
    hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    anchored: Annotated[bool, Field(description="A signed anchor outside the database vouches for it.")]


class AuditTrailPage(Answer):
    """Oldest first. `next_after` is the `after` of the next page; null on the last."""

    application_id: UUID
    tracking_id: str
    user_id: str
    status: str
    entries: list[AuditedEntry]
    next_after: int | None
