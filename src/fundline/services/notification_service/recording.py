"""Recording how a delivery ended: its state, its line of the log, and what it says about its receiver."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database
from fundline.services.notification_service import queue_store
from fundline.services.notification_service.channel import Channels, Delivery, DeliveryResult, Outcome
from fundline.services.notification_service.schedule import pause_s
from fundline.services.notification_service.settings import DeliverySettings

_FINAL_STATE = {
    DeliveryResult.DELIVERED: "delivered",
    DeliveryResult.REJECTED: "failed",
    DeliveryResult.GONE: "failed",
    DeliveryResult.UNWANTED: "cancelled",
}
_AWAY_PAUSE_S = 15.0


class DeliveryBook:
    def __init__(
        self,
        database: Database,
        settings: DeliverySettings,
        channels: Channels,
        *,
        now: Clock = utc_now,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._database, self._settings, self._channels = database, settings, channels
        self._now, self._dice = now, dice

    async def record(
        self, delivery: Delivery, outcome: Outcome, *, started_at: datetime, duration_ms: int
    ) -> None:
        """Only the first of two that made the same attempt is recorded."""
        if outcome.result is DeliveryResult.AWAY:
            until = self._now() + timedelta(seconds=_AWAY_PAUSE_S * (1 + self._dice()))
            await queue_store.put_off(self._database, delivery, until)
            return
        watch = self._channels[delivery.channel].watch
        async with self._database.transaction() as connection:
            because = None if watch is None else await watch.judge(connection, delivery, outcome, self._now())
            at = self._now()
            state, failures, due_at = self._next(delivery, outcome, at)
            recorded = await queue_store.finish(
                connection, delivery, state=state, failures=failures, due_at=due_at, at=at
            )
            if not recorded:
                return
            await queue_store.log_attempt(
                connection, delivery, outcome, started_at=started_at, duration_ms=duration_ms
            )
            if watch is not None and because is not None:
                await watch.switch_off(connection, delivery, because, at)

    def _next(self, delivery: Delivery, outcome: Outcome, at: datetime) -> tuple[str, int, datetime]:
        """State, failures and when it is due."""
        if outcome.result in _FINAL_STATE:
            return _FINAL_STATE[outcome.result], delivery.failures, at
        failures = delivery.failures + 1
        wait_s = pause_s(self._settings.retry_pauses_s, failures, self._dice(), outcome.retry_after_s)
        if wait_s is None:
            return "failed", failures, at
        return "waiting", failures, at + timedelta(seconds=wait_s)
