"""What the status service shows, and how it is kept in the cache."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import orjson
from pydantic import Field

from fundline.contracts.payloads import StatusUpdated, iso_utc
from fundline.domain.application import TERMINAL, ApplicationStatus
from fundline.platform.shapes import Asked

_OWNER_ENDS = b"\0"
"""PostgreSQL text cannot hold it, so no owner's name does."""


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One status of one application, ready to be sent. `body` is the JSON object that every door gives out."""

    application_id: str
    owner: str
    sequence: int
    is_final: bool
    body: bytes


def status_change(
    *,
    application_id: str,
    tracking_id: str,
    owner: str,
    status: str,
    sequence: int,
    updated_at: datetime,
    metadata: dict[str, Any],
) -> StatusChange:
    body = orjson.dumps(
        {
            "applicationId": application_id,
            "trackingId": tracking_id,
            "status": status,
            "sequence": sequence,
            "updatedAt": iso_utc(updated_at),
            "metadata": metadata,
        }
    )
    return StatusChange(application_id, owner, sequence, ApplicationStatus(status) in TERMINAL, body)


def change_of_event(payload: StatusUpdated) -> StatusChange:
    return status_change(
        application_id=str(payload.application_id),
        tracking_id=payload.tracking_id,
        owner=payload.user_id,
        status=payload.status,
        sequence=payload.sequence,
        updated_at=payload.timestamp,
        metadata=payload.metadata,
    )


def cached_form(change: StatusChange) -> bytes:
    """Owner and body: a hit is authorised and answered without reading any JSON."""
    return change.owner.encode() + _OWNER_ENDS + change.body


def from_cached_form(value: bytes) -> tuple[bytes, bytes] | None:
    """(owner, body); None when the value is not ours."""
    owner, end, body = value.partition(_OWNER_ENDS)
    return (owner, body) if end else None


class NoQuery(Asked):
    """`GET /v1/status/{id}` takes no parameters."""


class StreamQuery(Asked):
    """`lastSequence`: the newest change the client has; the stream begins after it. 0: from the first."""

    last_sequence: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
