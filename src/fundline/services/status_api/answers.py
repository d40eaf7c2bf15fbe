"""What the status service answers, over HTTP, as events and over a WebSocket."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from fundline.contracts.payloads import Status
from fundline.platform.shapes import Answer, Moment


class ApplicationStatus(Answer):
    """Where an application stands. The same object comes over SSE and WebSocket, once per change."""

    application_id: UUID
    tracking_id: str
    status: Status
    sequence: Annotated[int, Field(ge=1, description="1 is `processing`; rises by one per change.")]
    updated_at: Moment
    metadata: dict[str, Any]
