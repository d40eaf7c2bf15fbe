"""Webhook endpoints: made, read, changed, deleted by their owner, and their secrets rotated."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from fundline.contracts.roles import Role
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.platform.refusals import Kind, Refusal
from fundline.platform.secrets import SecretBox
from fundline.platform.webhook_signature import new_secret
from fundline.services.notification_service import endpoint_store, preference_store
from fundline.services.notification_service.answers import (
    WebhookEndpoint,
    WebhookEndpointDeleted,
    WebhookEndpointPage,
    WebhookEndpointWithSecret,
)
from fundline.services.notification_service.audit import actor_of, endpoint_stream
from fundline.services.notification_service.schemas import EndpointChange, EndpointQuery, NewEndpoint
from fundline.services.notification_service.settings import WebhookSettings
from fundline.services.notification_service.targets import Targets


class EndpointNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "webhook-endpoint-not-found"
    title = "There is no such webhook endpoint"

    def __init__(self) -> None:
        super().__init__("No webhook endpoint with this id is visible to you.")


class TooManyEndpoints(Refusal):
    kind = Kind.CONFLICT
    code = "too-many-webhook-endpoints"
    title = "There are as many webhook endpoints as one owner may have"

    def __init__(self, most: int) -> None:
        super().__init__(f"An owner may have {most} webhook endpoints; delete one first.")


class Endpoints:
    """`targets` judges the URLs, by the same rules by which they will be called."""

    def __init__(
        self,
        database: Database,
        settings: WebhookSettings,
        targets: Targets,
        box: SecretBox,
        *,
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
    ) -> None:
        self._database, self._settings, self._targets, self._box = database, settings, targets, box
        self._now, self._fresh_id = now, fresh_id

    async def create(
        self, caller: Caller, wanted: NewEndpoint, once: Once[WebhookEndpointWithSecret]
    ) -> WebhookEndpointWithSecret:
        """Raises TargetNotAcceptable, TooManyEndpoints, and what `Once.write` raises."""
        # a name may lead elsewhere by now; the answer to a repeat stays what it was
        await once.require_unanswered(self._database)
        lane = await self._targets.host_of(wanted.url)
        endpoint_id, secret = self._fresh_id(), new_secret()

        async def work(connection: Connection) -> WebhookEndpointWithSecret:
            at = self._now()
            await preference_store.lock(connection, caller.subject, at)
            most = self._settings.webhook_endpoints_per_owner
            if await endpoint_store.count_of(connection, caller.subject) >= most:
                raise TooManyEndpoints(most)
            await endpoint_store.insert(
                connection,
                endpoint_id,
                owner=caller.subject,
                url=wanted.url,
                lane=lane,
                description=wanted.description,
                event_types=wanted.event_types,
                secret=self._box.seal(secret.encode(), endpoint_id),
                at=at,
            )
            await self._audit(connection, endpoint_id, caller, "created", {"host": lane})
            return await _with_secret(connection, endpoint_id, secret)

        return await once.write(self._database, work)

    async def page(self, caller: Caller, query: EndpointQuery) -> WebhookEndpointPage:
        """One's own, or for an operator everybody's."""
        owner = query.owner if caller.role is Role.OPERATOR else caller.subject
        rows = await endpoint_store.page(
            self._database, owner=owner, before=query.cursor, limit=query.limit + 1
        )
        return WebhookEndpointPage.of(
            rows, query.limit, show=WebhookEndpoint.of, id_of=lambda row: row["endpoint_id"]
        )

    async def one(self, caller: Caller, endpoint_id: UUID) -> WebhookEndpoint:
        """Raises EndpointNotFound."""
        return WebhookEndpoint.of(await self.visible(caller, endpoint_id))

    async def visible(self, caller: Caller, endpoint_id: UUID) -> Any:
        """The row, for its owner or an operator. Raises EndpointNotFound."""
        row = await endpoint_store.find(self._database, endpoint_id)
        if row is None or (caller.role is not Role.OPERATOR and row["owner"] != caller.subject):
            raise EndpointNotFound
        return row

    async def change(
        self, caller: Caller, endpoint_id: UUID, wanted: EndpointChange, once: Once[WebhookEndpoint]
    ) -> WebhookEndpoint:
        """As it is now. Raises EndpointNotFound, TargetNotAcceptable, and what `Once.write` raises."""
        await once.require_unanswered(self._database)
        lane = None if wanted.url is None else await self._targets.host_of(wanted.url)

        async def work(connection: Connection) -> WebhookEndpoint:
            row, at = await owned(connection, caller, endpoint_id), self._now()
            await endpoint_store.change(
                connection,
                endpoint_id,
                url=wanted.url or row["url"],
                lane=lane or row["lane"],
                description=row["description"] if wanted.description is None else wanted.description,
                event_types=wanted.event_types or row["event_types"],
                at=at,
            )
            if wanted.state == "active":
                await endpoint_store.enable(connection, endpoint_id, at)
            elif wanted.state == "disabled":
                await endpoint_store.disable(connection, endpoint_id, "owner", at)
            fields = sorted(wanted.model_fields_set)
            await self._audit(
                connection, endpoint_id, caller, "changed", {"fields": fields, "state": wanted.state}
            )
            return WebhookEndpoint.of(await endpoint_store.lock(connection, endpoint_id))

        return await once.write(self._database, work)

    async def delete(
        self, caller: Caller, endpoint_id: UUID, once: Once[WebhookEndpointDeleted]
    ) -> WebhookEndpointDeleted:
        """Its queue and its log go with it. Raises EndpointNotFound, and what `Once.write` raises."""

        async def work(connection: Connection) -> WebhookEndpointDeleted:
            await owned(connection, caller, endpoint_id)
            await endpoint_store.delete(connection, endpoint_id)
            await self._audit(connection, endpoint_id, caller, "deleted", {})
            return WebhookEndpointDeleted(id=endpoint_id, state="deleted")

        return await once.write(self._database, work)

    async def rotate(
        self, caller: Caller, endpoint_id: UUID, once: Once[WebhookEndpointWithSecret]
    ) -> WebhookEndpointWithSecret:
        """The old secret signs too for a day. Raises EndpointNotFound, and what `Once.write` raises."""
        secret = new_secret()

        async def work(connection: Connection) -> WebhookEndpointWithSecret:
            await owned(connection, caller, endpoint_id)
            at = self._now()
            retired_until = at + timedelta(hours=self._settings.webhook_secret_overlap_h)
            sealed = self._box.seal(secret.encode(), endpoint_id)
            await endpoint_store.rotate(connection, endpoint_id, sealed, retired_until=retired_until, at=at)
            await self._audit(connection, endpoint_id, caller, "secret_rotated", {})
            return await _with_secret(connection, endpoint_id, secret)

        return await once.write(self._database, work)

    async def _audit(
        self, connection: Connection, endpoint_id: UUID, caller: Caller, what: str, details: dict[str, Any]
    ) -> None:
        entry = AuditEntry(
            endpoint_stream(endpoint_id),
            actor_of(caller),
            f"webhook_endpoint.{what}",
            self._now(),
            details=details,
        )
        await record(connection, entry)


async def owned(connection: Connection, caller: Caller, endpoint_id: UUID) -> Any:
    """The caller's endpoint, locked. Raises EndpointNotFound."""
    row = await endpoint_store.lock(connection, endpoint_id)
    if row is None or row["owner"] != caller.subject:
        raise EndpointNotFound
    return row


async def _with_secret(connection: Connection, endpoint_id: UUID, secret: str) -> WebhookEndpointWithSecret:
    return WebhookEndpointWithSecret.of(await endpoint_store.lock(connection, endpoint_id), secret=secret)
