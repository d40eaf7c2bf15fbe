"""What an endpoint's owner does with deliveries: read the log, have one delivered again, send a test."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.platform.refusals import Kind, Refusal
from fundline.services.notification_service import announcement_store, log_store
from fundline.services.notification_service.announcement_store import NewNotification
from fundline.services.notification_service.answers import (
    WebhookDelivery,
    WebhookDeliveryPage,
    WebhookDeliveryWaiting,
)
from fundline.services.notification_service.audit import actor_of, endpoint_stream
from fundline.services.notification_service.endpoints import Endpoints, owned
from fundline.services.notification_service.schemas import DeliveryQuery
from fundline.services.notification_service.webhook_channel import WebhookChannel, letter_to
from fundline.services.notification_service.webhook_messages import TEST, webhook_body

OnceWaiting = Once[WebhookDeliveryWaiting]


class DeliveryNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "webhook-delivery-not-found"
    title = "There is no such delivery"

    def __init__(self) -> None:
        super().__init__("No delivery of this endpoint has this id; they are kept for 30 days.")


class DeliveryUnderWay(Refusal):
    kind = Kind.CONFLICT
    code = "webhook-delivery-under-way"
    title = "The delivery is not over"

    def __init__(self) -> None:
        super().__init__(
            "It waits for its next attempt; only a delivery that is over can be made again.", retry_after_s=5
        )


class EndpointDisabled(Refusal):
    kind = Kind.CONFLICT
    code = "webhook-endpoint-disabled"
    title = "The webhook endpoint is disabled"

    def __init__(self) -> None:
        super().__init__("Switch the endpoint on first: PATCH it with the state active.")


class DeliveryDesk:
    """`wake` tells the courier that there is work."""

    def __init__(
        self,
        database: Database,
        endpoints: Endpoints,
        *,
        wake: Callable[[], None] = lambda: None,
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
    ) -> None:
        self._database, self._endpoints, self._wake = database, endpoints, wake
        self._now, self._fresh_id = now, fresh_id

    async def page(self, caller: Caller, endpoint_id: UUID, query: DeliveryQuery) -> WebhookDeliveryPage:
        """Raises EndpointNotFound."""
        endpoint = await self._endpoints.visible(caller, endpoint_id)
        rows = await log_store.page(
            self._database,
            endpoint["endpoint_id"],
            before=query.cursor,
            state=query.state,
            limit=query.limit + 1,
        )
        return WebhookDeliveryPage.of(
            rows, query.limit, show=WebhookDelivery.of, id_of=lambda row: row["notification_id"]
        )

    async def redeliver(
        self, caller: Caller, endpoint_id: UUID, notification_id: UUID, once: OnceWaiting
    ) -> WebhookDeliveryWaiting:
        """The same webhook id goes out again.

        Raises EndpointNotFound, EndpointDisabled, DeliveryNotFound, DeliveryUnderWay, and what `Once.write` raises.
        """

        async def work(connection: Connection) -> WebhookDeliveryWaiting:
            await self._active(connection, caller, endpoint_id)
            state = await log_store.lock_state(connection, endpoint_id, notification_id)
            if state is None:
                raise DeliveryNotFound
            if state == "waiting":
                raise DeliveryUnderWay
            at = self._now()
            await log_store.redeliver(connection, notification_id, at)
            entry = AuditEntry(
                endpoint_stream(endpoint_id),
                actor_of(caller),
                "webhook_delivery.repeated",
                at,
                details={"deliveryId": str(notification_id), "was": state},
            )
            await record(connection, entry)
            return WebhookDeliveryWaiting(id=notification_id, state="waiting")

        return await self._and_wake(once, work)

    async def test(self, caller: Caller, endpoint_id: UUID, once: OnceWaiting) -> WebhookDeliveryWaiting:
        """An event of the type `webhook.test` goes out.

        Raises EndpointNotFound, EndpointDisabled, and what `Once.write` raises.
        """
        notification_id = self._fresh_id()

        async def work(connection: Connection) -> WebhookDeliveryWaiting:
            endpoint, at = await self._active(connection, caller, endpoint_id), self._now()
            body = webhook_body(TEST, at, {"endpointId": str(endpoint_id)})
            test = NewNotification(
                notification_id,
                event_id=notification_id,
                channel=WebhookChannel.name,
                letter=letter_to(endpoint_id, endpoint["lane"], TEST, body),
            )
            await announcement_store.add(connection, test, at)
            return WebhookDeliveryWaiting(id=notification_id, state="waiting")

        return await self._and_wake(once, work)

    async def _active(self, connection: Connection, caller: Caller, endpoint_id: UUID) -> Any:
        endpoint = await owned(connection, caller, endpoint_id)
        if endpoint["state"] != "active":
            raise EndpointDisabled
        return endpoint

    async def _and_wake(
        self, once: OnceWaiting, work: Callable[[Connection], Awaitable[WebhookDeliveryWaiting]]
    ) -> WebhookDeliveryWaiting:
        waiting = await once.write(self._database, work)
        self._wake()
        return waiting
