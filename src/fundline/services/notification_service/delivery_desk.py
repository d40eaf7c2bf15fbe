"""What an endpoint's owner does with deliveries: read the log, have one delivered again, send a test."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import StoredAnswer, Work, WriteKey, write_once
from fundline.platform.identity import Caller
from fundline.platform.refusals import Kind, Refusal
from fundline.services.notification_service import announcement_store, log_store
from fundline.services.notification_service.endpoints import OWNERS, Endpoints, endpoint_id_of, owned
from fundline.services.notification_service.messages import WebhookType, webhook_body
from fundline.services.notification_service.recording import ACTOR, endpoint_stream
from fundline.services.notification_service.schemas import DeliveryQuery, delivery_view


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
        super().__init__("It waits for its next attempt; only a delivery that is over can be made again.")


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

    async def page(self, caller: Caller, text: str, query: DeliveryQuery) -> dict[str, Any]:
        """`{items, nextBefore}`, newest first. Raises Forbidden, EndpointNotFound."""
        endpoint = await self._endpoints.visible(caller, text)
        rows = await log_store.page(
            self._database,
            endpoint["endpoint_id"],
            before=query.before,
            state=query.state,
            limit=query.limit + 1,
        )
        items = rows[: query.limit]
        more = len(rows) > query.limit
        return {
            "items": [delivery_view(row) for row in items],
            "nextBefore": str(items[-1]["notification_id"]) if more else None,
        }

    async def redeliver(self, caller: Caller, key: WriteKey, text: str, delivery_text: str) -> StoredAnswer:
        """202 and `{id, state}`; the same webhook id goes out again.

        Raises Forbidden, EndpointNotFound, EndpointDisabled, DeliveryNotFound, DeliveryUnderWay, KeyReused.
        """
        caller.require(*OWNERS)
        endpoint_id, notification_id = endpoint_id_of(text), _delivery_id_of(delivery_text)

        async def work(connection: Connection) -> tuple[int, bytes]:
            await self._active(connection, caller, endpoint_id)
            state = await log_store.lock_state(connection, endpoint_id, notification_id)
            if state is None:
                raise DeliveryNotFound
            if state == "waiting":
                raise DeliveryUnderWay
            at = self._now()
            await log_store.redeliver(connection, notification_id, at)
            details = {"deliveryId": str(notification_id), "was": state}
            actor = f"{ACTOR}:{caller.subject}"
            await record(
                connection,
                AuditEntry(
                    endpoint_stream(endpoint_id), actor, "webhook_delivery.repeated", at, details=details
                ),
            )
            return 202, _waiting(notification_id)

        return await self._and_wake(key, work)

    async def test(self, caller: Caller, key: WriteKey, text: str) -> StoredAnswer:
        """202 and `{id, state}`: an event of the type `webhook.test` goes out. Raises as `redeliver` does."""
        caller.require(*OWNERS)
        endpoint_id, notification_id = endpoint_id_of(text), self._fresh_id()

        async def work(connection: Connection) -> tuple[int, bytes]:
            endpoint, at = await self._active(connection, caller, endpoint_id), self._now()
            test = announcement_store.NewNotification(
                notification_id,
                event_id=notification_id,
                recipient=str(endpoint_id),
                kind=WebhookType.TEST,
                body=webhook_body(WebhookType.TEST, at, {"endpointId": str(endpoint_id)}),
                lane=endpoint["lane"],
                endpoint_id=endpoint_id,
            )
            await announcement_store.add(connection, test, at)
            return 202, _waiting(notification_id)

        return await self._and_wake(key, work)

    async def _active(self, connection: Connection, caller: Caller, endpoint_id: UUID) -> Any:
        endpoint = await owned(connection, caller, endpoint_id)
        if endpoint["state"] != "active":
            raise EndpointDisabled
        return endpoint

    async def _and_wake(self, key: WriteKey, work: Work) -> StoredAnswer:
        answer = await write_once(self._database, key, work)
        self._wake()
        return answer


def _waiting(notification_id: UUID) -> bytes:
    return orjson.dumps({"id": str(notification_id), "state": "waiting"})


def _delivery_id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise DeliveryNotFound from None
