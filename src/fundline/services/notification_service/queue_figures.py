"""Keeps the figures of the queue of notifications, and forgets what has served its time."""

import time
from datetime import timedelta

from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database
from fundline.platform.loop import Loop
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.notification_service import address_store, queue_store
from fundline.services.notification_service.channel import Channels
from fundline.services.notification_service.metrics import NotificationMetrics
from fundline.services.notification_service.settings import DeliverySettings

_TIDIED_EVERY_S = 600.0
_MEASURED_EVERY_S = 5.0


class QueueFigures(Loop):
    def __init__(
        self,
        database: Database,
        settings: DeliverySettings,
        channels: Channels,
        metrics: Metrics,
        *,
        now: Clock = utc_now,
    ) -> None:
        super().__init__("notification-figures", every_s=_MEASURED_EVERY_S, limit_s=60.0)
        self._database, self._settings, self._channels = database, settings, channels
        self._metrics, self._now = metrics.of(NotificationMetrics), now
        self._tidied_at: float | None = None

    async def turn(self) -> None:
        found = {row["channel"]: row for row in await queue_store.depth(self._database, self._now())}
        for channel in self._channels.names:
            row = found.get(channel)
            self._metrics.notification_queue_depth.labels(channel).set(row["waiting"] if row else 0)
            self._metrics.notification_overdue_s.labels(channel).set(row["overdue_s"] if row else 0)
        if self._tidied_at is None or time.monotonic() - self._tidied_at > _TIDIED_EVERY_S:
            await self.tidy()
            self._tidied_at = time.monotonic()

    async def tidy(self) -> None:
        before = self._now() - timedelta(days=self._settings.notifications_kept_days)
        while await queue_store.forget(self._database, before):
            self.heartbeat.beat()
        await address_store.forget(self._database, before)
