"""The courier: takes what is due, delivers it outside of any transaction, records how it went.

A process that dies in between leaves a lease that runs out; then the same notification, with the same id, goes again.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database, RowBusy
from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.notification_service import queue_store
from fundline.services.notification_service.announcement_store import MAIL_LANE
from fundline.services.notification_service.delivery import Channel, Delivery, DeliveryResult, Outcome
from fundline.services.notification_service.recording import DeliveryBook
from fundline.services.notification_service.settings import DeliverySettings

_CHANNELS = ("email", "webhook")
_HOUSEKEEPING_S = 600.0
_MEASURED_EVERY_S = 5.0


class Courier:
    """`channels` by name, `email` and `webhook`."""

    def __init__(
        self,
        database: Database,
        settings: DeliverySettings,
        channels: Mapping[str, Channel],
        book: DeliveryBook,
        metrics: Metrics,
        *,
        now: Clock = utc_now,
    ) -> None:
        self._database, self._settings, self._channels, self._book = database, settings, channels, book
        self._metrics, self._now = metrics, now
        self._under_way: set[asyncio.Task[None]] = set()
        self._used: Counter[str] = Counter()
        self._work = asyncio.Event()
        self._log = get_log()

    def wake(self) -> None:
        """There is work, or room for it."""
        self._work.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then what is under way is finished."""
        while not stop.is_set():
            self._work.clear()
            try:
                taken = await self._take()
            except Unavailable as away:
                taken = 0
                self._log.warning("notification.waits", cause=str(away))
            if not taken:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._work.wait(), self._settings.notification_poll_s)
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _take(self) -> int:
        room = self._settings.notification_concurrency - len(self._under_way)
        if room <= 0:
            return 0
        per_lane = self._settings.notification_lane_concurrency
        used = dict(self._used)
        if not self._channels["email"].is_open:
            used[MAIL_LANE] = per_lane
        now = self._now()
        deliveries = await queue_store.take(
            self._database,
            now=now,
            leased_until=now + timedelta(seconds=self._settings.notification_lease_s),
            per_lane=per_lane,
            used=used,
            limit=room,
        )
        for delivery in deliveries:
            self._used[delivery.lane] += 1
            task = asyncio.create_task(self._deliver(delivery))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(deliveries)

    async def _deliver(self, delivery: Delivery) -> None:
        started_at, clock = self._now(), time.perf_counter()
        try:
            outcome = await self._attempt(delivery)
            elapsed_s = time.perf_counter() - clock
            await self._book.record(
                delivery, outcome, started_at=started_at, duration_ms=int(elapsed_s * 1000)
            )
            self._tell(delivery, outcome, elapsed_s)
        except (Unavailable, RowBusy) as away:
            # not recorded: it goes again when its lease runs out, and the receiver knows its id
            self._log.warning(
                "notification.not_recorded", notification_id=str(delivery.notification_id), cause=str(away)
            )
        finally:
            self._used -= Counter({delivery.lane: 1})  # drops what reaches zero
            self.wake()

    async def _attempt(self, delivery: Delivery) -> Outcome:
        try:
            return await self._channels[delivery.channel].deliver(delivery)
        except Exception as bug:  # of ours: one notification must not take the others down with it
            self._log.error(
                "notification.failed", notification_id=str(delivery.notification_id), exc_info=bug
            )
            return Outcome(DeliveryResult.FAILED, "Something went wrong on our side.")

    def _tell(self, delivery: Delivery, outcome: Outcome, elapsed_s: float) -> None:
        self._metrics.notification_deliveries.labels(delivery.channel, outcome.result).inc()
        self._metrics.notification_delivery_s.labels(delivery.channel).observe(elapsed_s)
        self._log.info(
            "notification.attempted",
            notification_id=str(delivery.notification_id),
            channel=delivery.channel,
            kind=delivery.kind,
            attempt=delivery.attempts + 1,
            result=outcome.result.value,
            response_status=outcome.response_status,
        )

    async def measure(self, stop: asyncio.Event) -> None:
        """Keeps the figures of the queue, and forgets what has served its time."""
        tidied_at = 0.0
        while not stop.is_set():
            with contextlib.suppress(Unavailable):
                await self._measure_once()
                if time.monotonic() - tidied_at > _HOUSEKEEPING_S:
                    await self.tidy()
                    tidied_at = time.monotonic()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _MEASURED_EVERY_S)

    async def _measure_once(self) -> None:
        found = {row["channel"]: row for row in await queue_store.depth(self._database, self._now())}
        for channel in _CHANNELS:
            row = found.get(channel)
            self._metrics.notification_queue_depth.labels(channel).set(row["waiting"] if row else 0)
            self._metrics.notification_overdue_s.labels(channel).set(row["overdue_s"] if row else 0)

    async def tidy(self) -> None:
        before = self._now() - timedelta(days=self._settings.notifications_kept_days)
        while await queue_store.forget(self._database, before):
            pass
