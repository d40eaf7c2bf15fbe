"""The courier: takes what is due, delivers it outside of any transaction, records how it went.

A process that dies in between leaves a lease that runs out; then the same notification, with the same id, goes again.
"""

import asyncio
import time
from collections import Counter
from datetime import timedelta

from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database
from fundline.platform.loop import Loop
from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.notification_service import queue_store
from fundline.services.notification_service.channel import Channels, Delivery, DeliveryResult, Outcome
from fundline.services.notification_service.metrics import NotificationMetrics
from fundline.services.notification_service.recording import DeliveryBook
from fundline.services.notification_service.settings import DeliverySettings


class Courier(Loop):
    def __init__(
        self,
        database: Database,
        settings: DeliverySettings,
        channels: Channels,
        book: DeliveryBook,
        metrics: Metrics,
        *,
        now: Clock = utc_now,
    ) -> None:
        super().__init__("courier", every_s=settings.notification_poll_s)
        self._database, self._settings, self._channels, self._book = database, settings, channels, book
        self._metrics, self._now = metrics.of(NotificationMetrics), now
        self._under_way: set[asyncio.Task[None]] = set()
        self._used: Counter[str] = Counter()

    async def turn(self) -> float | None:
        return 0 if await self._take() else None

    async def ended(self) -> None:
        """What is under way is finished; each delivery has its own time limit."""
        if self._under_way:
            self.heartbeat.beat(rest_s=self._settings.notification_lease_s)
            await asyncio.wait(self._under_way, timeout=self._settings.notification_lease_s)

    async def _take(self) -> int:
        room = self._settings.notification_concurrency - len(self._under_way)
        if room <= 0:
            return 0
        per_lane = self._settings.notification_lane_concurrency
        closed = dict.fromkeys(self._channels.closed_lanes, per_lane)
        now = self._now()
        deliveries = await queue_store.take(
            self._database,
            now=now,
            leased_until=now + timedelta(seconds=self._settings.notification_lease_s),
            per_lane=per_lane,
            used={**self._used, **closed},
            limit=room,
            channels=self._channels.names,
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
            self._log_and_count(delivery, outcome, elapsed_s)
        except Unavailable as away:
            # not made or not recorded: it goes again when its lease runs out, and the receiver knows its id
            self._log.warning(
                "notification.not_recorded", notification_id=str(delivery.notification_id), cause=str(away)
            )
        finally:
            self._used -= Counter({delivery.lane: 1})  # drops what reaches zero
            self.wake()

    async def _attempt(self, delivery: Delivery) -> Outcome:
        try:
            return await self._channels[delivery.channel].deliver(delivery)
        except Unavailable:
            raise
        except Exception as bug:  # of ours: one notification must not take the others down with it
            self._log.error(
                "notification.failed", notification_id=str(delivery.notification_id), exc_info=bug
            )
            return Outcome(DeliveryResult.FAILED, "Something went wrong on our side.")

    def _log_and_count(self, delivery: Delivery, outcome: Outcome, elapsed_s: float) -> None:
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
