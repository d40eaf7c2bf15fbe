"""Keeping the cache current: every status event is written through. Never blocks.

What could not be written while the cache was away is dropped when it is back, so that it shows nothing that is over.
What an instance has missed that died since goes with the end of its life.
"""

from datetime import timedelta
from typing import Any

from fundline.contracts.payloads import DisbursementCompleted, StatusUpdated
from fundline.platform.cache import Cache, CacheUnavailable
from fundline.platform.cache.metrics import CacheMetrics
from fundline.platform.clock import Clock, utc_now
from fundline.platform.kafka.messages import Event
from fundline.platform.loop import Loop
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.cached import STATUS
from fundline.services.status_api.metrics import StatusMetrics
from fundline.services.status_api.reading import StatusReading
from fundline.services.status_api.schemas import cached_form, change_of_event

_MISSED_LIMIT = 50_000
"""More than a minute's events: what is older has expired by itself."""
_LOOK_EVERY_S = 0.5


class MissedWrites(Loop):
    """Keys of entries that could not be written."""

    def __init__(self, cache: Cache) -> None:
        super().__init__("missed-cache-writes", every_s=_LOOK_EVERY_S)
        self._cache = cache
        self._keys: dict[str, None] = {}

    def note(self, key: str) -> None:
        self._keys[key] = None
        if len(self._keys) > _MISSED_LIMIT:
            del self._keys[next(iter(self._keys))]

    async def turn(self) -> None:
        """Drop the entries: whoever asks next fills them from the primary."""
        try:
            while self._keys:
                key = next(iter(self._keys))
                await self._cache.delete(key)
                self._keys.pop(key, None)
                self.heartbeat.beat()
        except CacheUnavailable:
            return


class WriteThrough:
    """`cached_s`: how long an entry of the cache lives."""

    def __init__(
        self,
        cache: Cache,
        reading: StatusReading,
        metrics: Metrics,
        *,
        cached_s: int,
        now: Clock = utc_now,
    ) -> None:
        self._cache, self._reading, self._cached_s, self._now = cache, reading, cached_s, now
        self._visible_s = metrics.of(StatusMetrics).status_visible_s
        self.missed = MissedWrites(cache)
        self._failed = metrics.of(CacheMetrics).cache_requests.labels(STATUS.name, "write_failed")
        self._log = get_log()

    async def status_updated(self, event: Event[Any]) -> None:
        """The event's status replaces an older one in the cache.

        An event older than an entry's life begins no entry: while nothing was cached it may have been overtaken.
        """
        payload: StatusUpdated = event.payload
        change = change_of_event(payload)
        age = self._now() - payload.timestamp
        stored = False
        try:
            stored = await self._cache.put_if_newer(
                STATUS.key(change.application_id),
                sequence=change.sequence,
                value=cached_form(change),
                ttl_s=self._cached_s,
                only_existing=age > timedelta(seconds=self._cached_s),
            )
        except CacheUnavailable as away:
            self._failed.inc()
            self.missed.note(STATUS.key(change.application_id))
            self._log.warning("status.not_cached", application_id=change.application_id, cause=str(away))
        self._visible_s.observe(max(age.total_seconds(), 0.0))
        self._log.info(
            "status.shown",
            application_id=change.application_id,
            status=payload.status,
            sequence=change.sequence,
            stored=stored,
        )

    async def disbursement_completed(self, event: Event[Any]) -> None:
        """The end of the story, told by another topic: what the cache says is compared with the primary once more."""
        payload: DisbursementCompleted = event.payload
        application_id = str(payload.application_id)
        change = await self._reading.refill(application_id)
        self._log.info(
            "disbursement.shown",
            application_id=application_id,
            outcome=payload.status,
            transaction_id=payload.transaction_id,
            sequence=None if change is None else change.sequence,
        )
