"""One delivery: what the courier hands to a channel, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class DeliveryResult(StrEnum):
    DELIVERED = "delivered"
    FAILED = "failed"
    """Tried again by the schedule."""
    GONE = "gone"
    """The receiver answered 410: nothing more goes to this endpoint."""
    REJECTED = "rejected"
    """For good: no repetition can help."""
    UNWANTED = "unwanted"
    """The subscriber has changed their mind, or has no address any more: dropped."""
    AWAY = "away"
    """Our own mail server does not answer: waits, and costs no attempt."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notification on its way. `attempts` were made before this one; `failures` is its place in the schedule."""

    notification_id: UUID
    channel: str
    kind: str
    body: str
    lane: str
    attempts: int
    failures: int
    endpoint_id: UUID | None
    url: str | None
    secret: bytes | None
    retired_secret: bytes | None
    retired_until: datetime | None
    address: str | None
    """Of the subscriber, for a mail; None when mail is off."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`detail` is a sentence for the log that the endpoint's owner reads; empty when delivered."""

    result: DeliveryResult
    detail: str = ""
    response_status: int | None = None
    response_excerpt: str | None = None
    retry_after_s: float | None = None


class Channel(Protocol):
    @property
    def is_open(self) -> bool:
        """False while it is known that nothing gets through; the courier then leaves its lane alone."""

    async def deliver(self, delivery: Delivery) -> Outcome:
        """Never raises for what the other side does."""
