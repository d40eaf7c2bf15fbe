"""What deliveries say about a webhook endpoint: one that is gone, or takes nothing for days, is switched off."""

from datetime import datetime, timedelta

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import NewId, new_id
from fundline.platform.database import Connection
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.notification_service import announcement_store, endpoint_store
from fundline.services.notification_service.announcement_store import NewNotification
from fundline.services.notification_service.audit import ACTOR, endpoint_stream
from fundline.services.notification_service.channel import Delivery, DeliveryResult, Outcome, endpoint_of
from fundline.services.notification_service.mail_channel import MailChannel, notice_to
from fundline.services.notification_service.mail_messages import MailKind
from fundline.services.notification_service.metrics import NotificationMetrics


class EndpointHealth:
    """`failing_after`: without a single success for this long, an endpoint is switched off."""

    def __init__(self, metrics: Metrics, *, failing_after: timedelta, fresh_id: NewId = new_id) -> None:
        self._failing_after, self._fresh_id = failing_after, fresh_id
        self._disabled = metrics.of(NotificationMetrics).webhook_endpoints_disabled
        self._log = get_log()

    async def judge(
        self, connection: Connection, delivery: Delivery, outcome: Outcome, at: datetime
    ) -> str | None:
        """Notes the outcome on the endpoint."""
        endpoint_id = endpoint_of(delivery)
        if outcome.result is DeliveryResult.DELIVERED:
            await endpoint_store.note_success(connection, endpoint_id)
            return None
        failing_since = await endpoint_store.note_failure(connection, endpoint_id, at)
        if outcome.result is DeliveryResult.GONE:
            return "gone"
        is_failing = failing_since is not None and at - failing_since >= self._failing_after
        return "failing" if is_failing else None

    async def switch_off(
        self, connection: Connection, delivery: Delivery, because: str, at: datetime
    ) -> None:
        """Its owner gets a mail. Nothing happens when it is off already."""
        endpoint_id = endpoint_of(delivery)
        disabled = await endpoint_store.disable(connection, endpoint_id, because, at)
        if disabled is None:
            return
        entry = AuditEntry(
            endpoint_stream(endpoint_id), ACTOR, "webhook_endpoint.disabled", at, details={"because": because}
        )
        await record(connection, entry)
        facts = {"url": disabled["url"], "because": because}
        notice = NewNotification(
            self._fresh_id(),
            self._fresh_id(),
            MailChannel.name,
            notice_to(disabled["owner"], MailKind.ENDPOINT_DISABLED, facts),
        )
        await announcement_store.add(connection, notice, at)
        self._disabled.labels(because).inc()
        self._log.warning("webhook_endpoint.disabled", endpoint_id=str(endpoint_id), cause=because)
