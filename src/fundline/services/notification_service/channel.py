"""A channel is one way to tell an owner something: one class behind one registry. The rest knows only the registry.

A third channel costs its class, a migration that allows its name (and keeps what its receivers want), a setting, and
its line in `wiring.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

from fundline.platform.database import Connection
from fundline.services.notification_service.told import Told


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
    """Our own side of the channel does not answer, such as our mail server: waits, and costs no attempt."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What one recipient is told over one channel. Deliveries of one `lane` share a limit."""

    recipient: str
    kind: str
    body: str
    lane: str
    endpoint_id: UUID | None = None
    """Of a webhook."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notification on its way. `attempts` were made before this one; `failures` is its place in the schedule."""

    notification_id: UUID
    channel: str
    recipient: str
    kind: str
    body: str
    lane: str
    attempts: int
    failures: int
    endpoint_id: UUID | None
    application_id: UUID | None
    """None: it is about something else than an application."""


def endpoint_of(delivery: Delivery) -> UUID:
    """Of a webhook."""
    assert delivery.endpoint_id is not None  # noqa: S101 - a constraint of the table
    return delivery.endpoint_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """`detail` is a sentence for the log that the endpoint's owner reads; empty when delivered."""

    result: DeliveryResult
    detail: str = ""
    response_status: int | None = None
    response_excerpt: str | None = None
    retry_after_s: float | None = None


class ReceiverWatch(Protocol):
    """For a channel whose receivers may be switched off. Both in the transaction that records the outcome."""

    async def judge(
        self, connection: Connection, delivery: Delivery, outcome: Outcome, at: datetime
    ) -> str | None:
        """Why to switch the receiver off, or None.

        Before the outcome is recorded: who changes a receiver locks it, and then its queue, in this order.
        """

    async def switch_off(
        self, connection: Connection, delivery: Delivery, because: str, at: datetime
    ) -> None:
        """What `judge` found, once the outcome is recorded."""


class Channel(ABC):
    name: ClassVar[str]
    """As it stands in `notifications.channel`, in metrics and in logs."""
    watch: ReceiverWatch | None = None

    @property
    def closed_lanes(self) -> Sequence[str]:
        """Where it is known that nothing gets through now; the courier leaves these lanes alone."""
        return ()

    @abstractmethod
    async def letters(self, connection: Connection, told: Told) -> Sequence[Letter]:
        """Whom this channel tells it, in the transaction of the event; nothing is sent yet."""

    @abstractmethod
    async def deliver(self, delivery: Delivery) -> Outcome:
        """Never raises for what the other side does. Raises Unavailable when our database does not answer."""


class Channels:
    """The registry. In order: the first one's notifications are made first."""

    def __init__(self, *channels: Channel) -> None:
        """Raises ValueError when two have one name."""
        self._by_name = {channel.name: channel for channel in channels}
        if len(self._by_name) < len(channels):
            raise ValueError(f"Two channels have one name: {[channel.name for channel in channels]}.")

    def __iter__(self) -> Iterator[Channel]:
        return iter(self._by_name.values())

    def __getitem__(self, name: str) -> Channel:
        """Raises KeyError."""
        return self._by_name[name]

    @property
    def names(self) -> list[str]:
        return list(self._by_name)

    @property
    def closed_lanes(self) -> list[str]:
        return [lane for channel in self for lane in channel.closed_lanes]
