"""From one reader of Kafka to the streams open in this instance, by application.

A stream subscribes first and reads the database afterwards, so nothing falls between; the sequence drops what comes
twice. Each instance reads every partition itself, so it does not matter which instance holds a stream.
"""

import asyncio
from collections import deque
from enum import StrEnum

from fundline.contracts.payloads import StatusUpdated
from fundline.contracts.topics import STATUS_UPDATED
from fundline.platform.kafka.messages import Delivery, Poison, read_event
from fundline.platform.refusals import Unavailable
from fundline.services.status_api.schemas import StatusChange, change_of_event


class End(StrEnum):
    """Why a stream ends."""

    FINAL = "final"
    DRAINING = "draining"
    TOO_SLOW = "too_slow"


class TooManyStreams(Unavailable):
    code = "too-many-streams"
    title = "This instance holds as many streams as it may"

    def __init__(self) -> None:
        super().__init__("Try again in a moment; another instance may have room.", retry_after_s=2)


class Subscription:
    """What waits for one stream. At most `limit` changes; one more ends it, and its reader can resume elsewhere."""

    __slots__ = ("_limit", "_waiting", "_wake", "application_id", "end", "newest")

    def __init__(self, application_id: str, limit: int) -> None:
        self.application_id = application_id
        self.newest = 0
        """Highest sequence that was offered to this stream or read for it."""
        self.end: End | None = None
        self._limit = limit
        self._waiting: deque[StatusChange] = deque()
        self._wake = asyncio.Event()

    def offer(self, change: StatusChange) -> None:
        if change.sequence <= self.newest or self.end is not None:
            return
        if len(self._waiting) >= self._limit:
            self._waiting.clear()
            self.stop(End.TOO_SLOW)
            return
        self.newest = change.sequence
        self._waiting.append(change)
        self._wake.set()

    def stop(self, end: End) -> None:
        self.end = self.end or end
        self._wake.set()

    async def take(self, timeout_s: float) -> StatusChange | None:
        """The next change; None when nothing came in time or the stream is to end."""
        if not self._waiting and self.end is None:
            self._wake.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._wake.wait()
            except TimeoutError:
                return None
        return self._waiting.popleft() if self._waiting else None


class FanOut:
    def __init__(self, *, queue_limit: int, streams_limit: int) -> None:
        self._queue_limit, self._streams_limit = queue_limit, streams_limit
        self._by_application: dict[str, list[Subscription]] = {}
        self._open = 0
        self._is_draining = False
        self._loop = asyncio.get_running_loop()

    @property
    def open_streams(self) -> int:
        return self._open

    def subscribe(self, application_id: str) -> Subscription:
        """Raises TooManyStreams. While draining, a new stream still gets its history and then ends."""
        if self._open >= self._streams_limit:
            raise TooManyStreams
        subscription = Subscription(application_id, self._queue_limit)
        if self._is_draining:
            subscription.stop(End.DRAINING)
        self._by_application.setdefault(application_id, []).append(subscription)
        self._open += 1
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        of_application = self._by_application[subscription.application_id]
        of_application.remove(subscription)
        self._open -= 1
        if not of_application:
            del self._by_application[subscription.application_id]

    def receive(self, delivery: Delivery) -> None:
        """Called in the reader's thread. Most events are of applications that nobody follows here: one look-up."""
        if delivery.key not in self._by_application:
            return
        try:
            event = read_event(STATUS_UPDATED, delivery)
        except Poison:  # the consumer group puts it aside, with its cause
            return
        if isinstance(event.payload, StatusUpdated) and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.publish, change_of_event(event.payload))

    def publish(self, change: StatusChange) -> None:
        for subscription in self._by_application.get(change.application_id, ()):
            subscription.offer(change)

    def newest_of_open(self) -> dict[str, int]:
        """By application with an open stream: the newest sequence that all of its streams have got."""
        return {
            application_id: min(subscription.newest for subscription in of_application)
            for application_id, of_application in self._by_application.items()
        }

    def drain(self) -> None:
        """Every stream ends now; clients reconnect and are sent to another instance."""
        self._is_draining = True
        for of_application in self._by_application.values():
            for subscription in of_application:
                subscription.stop(End.DRAINING)
