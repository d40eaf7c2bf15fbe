"""Recording how a delivery ended: its state, its line of the log, and what it says about the endpoint."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.notification_service import announcement_store, endpoint_store, queue_store
from fundline.services.notification_service.delivery import Delivery, DeliveryResult, Outcome
from fundline.services.notification_service.messages import MailKind
from fundline.services.notification_service.schedule import pause_s
from fundline.services.notification_service.settings import DeliverySettings

ACTOR = "notification-service"
_FINAL_STATE = {
    DeliveryResult.DELIVERED: "delivered",
    DeliveryResult.REJECTED: "failed",
    DeliveryResult.GONE: "failed",
    DeliveryResult.UNWANTED: "cancelled",
}
_AWAY_PAUSE_S = 15.0


def endpoint_stream(endpoint_id: UUID) -> str:
    return f"webhook-endpoint:{endpoint_id}"


class DeliveryBook:
    def __init__(
        self,
        database: Database,
        settings: DeliverySettings,
        metrics: Metrics,
        *,
        now: Clock = utc_now,
        dice: Callable[[], float] = random.random,
        fresh_id: NewId = new_id,
    ) -> None:
        self._database, self._settings, self._metrics = database, settings, metrics
        self._now, self._dice, self._fresh_id = now, dice, fresh_id
        self._log = get_log()

    async def record(
        self, delivery: Delivery, outcome: Outcome, *, started_at: datetime, duration_ms: int
    ) -> None:
        """Only the first of two that made the same attempt is recorded."""
        if outcome.result is DeliveryResult.AWAY:
            until = self._now() + timedelta(seconds=_AWAY_PAUSE_S * (1 + self._dice()))
            await queue_store.put_off(self._database, delivery, until)
            return
        async with self._database.transaction() as connection:
            # the endpoint first: its owner's changes lock it, and then its queue
            failing_since = await self._note_on_endpoint(connection, delivery, outcome)
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
            if (because := self._verdict(outcome, failing_since, at)) and delivery.endpoint_id is not None:
                await self._disable(connection, delivery.endpoint_id, because, at)

    async def _note_on_endpoint(
        self, connection: Connection, delivery: Delivery, outcome: Outcome
    ) -> datetime | None:
        if delivery.endpoint_id is None:
            return None
        if outcome.result is DeliveryResult.DELIVERED:
            await endpoint_store.note_success(connection, delivery.endpoint_id)
            return None
        return await endpoint_store.note_failure(connection, delivery.endpoint_id, self._now())

    def _next(self, delivery: Delivery, outcome: Outcome, at: datetime) -> tuple[str, int, datetime]:
        """State, failures and when it is due."""
        if outcome.result in _FINAL_STATE:
            return _FINAL_STATE[outcome.result], delivery.failures, at
        failures = delivery.failures + 1
        wait_s = pause_s(self._settings.retry_pauses_s, failures, self._dice(), outcome.retry_after_s)
        if wait_s is None:
            return "failed", failures, at
        return "waiting", failures, at + timedelta(seconds=wait_s)

    def _verdict(self, outcome: Outcome, failing_since: datetime | None, at: datetime) -> str | None:
        if outcome.result is DeliveryResult.GONE:
            return "gone"
        longest = timedelta(days=self._settings.webhook_failing_days)
        return "failing" if failing_since is not None and at - failing_since >= longest else None

    async def _disable(self, connection: Connection, endpoint_id: UUID, because: str, at: datetime) -> None:
        disabled = await endpoint_store.disable(connection, endpoint_id, because, at)
        if disabled is None:
            return
        entry = AuditEntry(
            endpoint_stream(endpoint_id), ACTOR, "webhook_endpoint.disabled", at, details={"because": because}
        )
        await record(connection, entry)
        notice = announcement_store.NewNotification(
            self._fresh_id(),
            self._fresh_id(),
            recipient=disabled["owner"],
            kind=MailKind.ENDPOINT_DISABLED,
            body=orjson.dumps({"url": disabled["url"], "because": because}).decode(),
            lane=announcement_store.MAIL_LANE,
        )
        await announcement_store.add(connection, notice, at)
        self._metrics.webhook_endpoints_disabled.labels(because).inc()
        self._log.warning("webhook_endpoint.disabled", endpoint_id=str(endpoint_id), cause=because)
