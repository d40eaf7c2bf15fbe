"""One application followed live: history from the database, then news from the fan-out, strictly in sequence."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fundline.platform.database import Database
from fundline.platform.identity import Caller
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.status_api import store
from fundline.services.status_api.fan_out import End, FanOut, Subscription
from fundline.services.status_api.metrics import StatusMetrics
from fundline.services.status_api.reading import References, StatusNotFound, require_visible
from fundline.services.status_api.schemas import StatusChange
from fundline.services.status_api.settings import Settings


class Feed:
    """The changes of one open stream. Sequences rise by one: a gap is filled from the database, a repeat dropped."""

    __slots__ = ("_database", "_heartbeat_s", "_last", "_ready", "_subscription", "end")

    def __init__(
        self,
        database: Database,
        subscription: Subscription,
        replay: list[StatusChange],
        *,
        last: int,
        is_over: bool,
        heartbeat_s: float,
    ) -> None:
        self._database, self._subscription, self._heartbeat_s = database, subscription, heartbeat_s
        self._last, self._ready = last, deque(replay)
        self.end: End | None = End.FINAL if is_over and not replay else None
        """Why there is nothing more to come; None while there may be."""
        self._note(replay)

    async def next_change(self) -> StatusChange | None:
        """The next change; None when nothing came for a heartbeat's time, or nothing will come (see `end`).

        Raises Unavailable when a gap cannot be filled: the client resumes from what it has.
        """
        while not self._ready:
            change = await self._subscription.take(self._heartbeat_s)
            if change is None:
                self.end = self._subscription.end
                return None
            if change.sequence == self._last + 1:
                self._ready.append(change)
            elif change.sequence > self._last:
                missed = await store.history(self._database, change.application_id, self._last + 1)
                self._ready.extend(missed)
                self._note(missed)
        change = self._ready.popleft()
        self._last = change.sequence
        if change.is_final and not self._ready:  # what was disbursed may have come back
            self.end = End.FINAL
        return change

    def give_up(self) -> None:
        """The reader takes nothing more."""
        self._subscription.stop(End.TOO_SLOW)
        self.end = End.TOO_SLOW

    def _note(self, read: list[StatusChange]) -> None:
        if read:
            self._subscription.newest = max(self._subscription.newest, read[-1].sequence)


class LiveStatus:
    def __init__(
        self,
        database: Database,
        fan_out: FanOut,
        references: References,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._database, self._fan_out, self._references = database, fan_out, references
        self._heartbeat_s, self._metrics = settings.stream_heartbeat_s, metrics.of(StatusMetrics)

    @asynccontextmanager
    async def follow(self, reference: str, caller: Caller, *, last: int, kind: str) -> AsyncIterator[Feed]:
        """What came after the sequence `last`. Raises StatusNotFound, TooManyStreams or Unavailable."""
        application_id = await self._references.application_id(reference)
        subscription = self._fan_out.subscribe(application_id)
        streams = self._metrics.open_streams.labels(kind)
        streams.inc()
        try:
            yield await self._replay(subscription, caller, last)
        finally:
            streams.dec()
            self._fan_out.unsubscribe(subscription)
            if subscription.end is End.TOO_SLOW:
                self._metrics.stream_overflows.inc()
                get_log().warning("stream.too_slow", application_id=application_id, kind=kind)

    async def _replay(self, subscription: Subscription, caller: Caller, last: int) -> Feed:
        """The change the client has is read again too: it tells whether anything can follow."""
        application_id = subscription.application_id
        known = await store.history(self._database, application_id, last)
        if not known and last > 0:  # a sequence we never gave out: begin at the beginning
            known, last = await store.history(self._database, application_id, 0), 0
        if not known:
            raise StatusNotFound
        require_visible(caller, known[0].owner)
        return Feed(
            self._database,
            subscription,
            [change for change in known if change.sequence > last],
            last=last,
            is_over=known[-1].is_final,
            heartbeat_s=self._heartbeat_s,
        )
