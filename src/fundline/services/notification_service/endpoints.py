"""Webhook endpoints: made, read, changed, deleted by their owner, and their secrets rotated."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import StoredAnswer, WriteKey, earlier_answer, write_once
from fundline.platform.http.outbound import OutboundClient, TargetRefused, TargetUnreachable
from fundline.platform.http.requests import parse_body
from fundline.platform.identity import Caller, Role
from fundline.platform.refusals import FieldError, InvalidRequest, Kind, Refusal
from fundline.platform.secrets import SecretBox
from fundline.platform.webhook_signature import new_secret
from fundline.services.notification_service import endpoint_store, preference_store
from fundline.services.notification_service.recording import ACTOR, endpoint_stream
from fundline.services.notification_service.schemas import (
    EndpointChange,
    EndpointQuery,
    NewEndpoint,
    endpoint_view,
)
from fundline.services.notification_service.sealed_answers import reveal, seal_answer
from fundline.services.notification_service.settings import WebhookSettings

OWNERS = (Role.APPLICANT, Role.PARTNER)


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


class Endpoints:
    """`client` judges the URLs, by the same rules by which it will call them."""

    def __init__(
        self,
        database: Database,
        settings: WebhookSettings,
        client: OutboundClient,
        box: SecretBox,
        *,
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
    ) -> None:
        self._database, self._settings, self._client, self._box = database, settings, client, box
        self._now, self._fresh_id = now, fresh_id

    async def create(self, caller: Caller, key: WriteKey, body: bytes) -> StoredAnswer:
        """201 with the secret. Raises Forbidden, InvalidRequest, TooManyEndpoints, KeyReused."""
        caller.require(*OWNERS)
        wanted = parse_body(NewEndpoint, body)
        if (earlier := await earlier_answer(self._database, key)) is not None:
            return reveal(
                self._box, earlier
            )  # a name may lead elsewhere by now; the answer stays what it was
        lane = await self._checked(wanted.url)
        endpoint_id, secret = self._fresh_id(), new_secret()

        async def work(connection: Connection) -> tuple[int, bytes]:
            at = self._now()
            await preference_store.lock(connection, caller.subject, at)
            most = self._settings.webhook_endpoints_per_owner
            if await endpoint_store.count_of(connection, caller.subject) >= most:
                raise TooManyEndpoints(f"An owner may have {most} webhook endpoints; delete one first.")
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
            view = endpoint_view(await endpoint_store.lock(connection, endpoint_id))
            return 201, seal_answer(self._box, endpoint_id, view, secret)

        return reveal(self._box, await write_once(self._database, key, work))

    async def page(self, caller: Caller, query: EndpointQuery) -> dict[str, Any]:
        """`{items, nextBefore}`, newest first: one's own, or for an operator everybody's. Raises Forbidden."""
        caller.require(*OWNERS, Role.OPERATOR)
        owner = query.owner if caller.role is Role.OPERATOR else caller.subject
        rows = await endpoint_store.page(
            self._database, owner=owner, before=query.before, limit=query.limit + 1
        )
        items = rows[: query.limit]
        more = len(rows) > query.limit
        return {
            "items": [endpoint_view(row) for row in items],
            "nextBefore": str(items[-1]["endpoint_id"]) if more else None,
        }

    async def one(self, caller: Caller, text: str) -> dict[str, Any]:
        """Raises Forbidden, EndpointNotFound."""
        return endpoint_view(await self.visible(caller, text))

    async def visible(self, caller: Caller, text: str) -> Any:
        """The row, for its owner or an operator. Raises Forbidden, EndpointNotFound."""
        caller.require(*OWNERS, Role.OPERATOR)
        row = await endpoint_store.find(self._database, endpoint_id_of(text))
        if row is None or (caller.role is not Role.OPERATOR and row["owner"] != caller.subject):
            raise EndpointNotFound
        return row

    async def change(self, caller: Caller, key: WriteKey, text: str, body: bytes) -> StoredAnswer:
        """200 and the endpoint as it is now. Raises Forbidden, EndpointNotFound, InvalidRequest, KeyReused."""
        caller.require(*OWNERS)
        wanted, endpoint_id = parse_body(EndpointChange, body), endpoint_id_of(text)
        if (earlier := await earlier_answer(self._database, key)) is not None:
            return earlier
        lane = None if wanted.url is None else await self._checked(wanted.url)

        async def work(connection: Connection) -> tuple[int, bytes]:
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
            return 200, orjson.dumps(endpoint_view(await endpoint_store.lock(connection, endpoint_id)))

        return await write_once(self._database, key, work)

    async def delete(self, caller: Caller, key: WriteKey, text: str) -> StoredAnswer:
        """200 and `{id, state}`; its queue and its log go with it. Raises Forbidden, EndpointNotFound, KeyReused."""
        caller.require(*OWNERS)
        endpoint_id = endpoint_id_of(text)

        async def work(connection: Connection) -> tuple[int, bytes]:
            await owned(connection, caller, endpoint_id)
            await endpoint_store.delete(connection, endpoint_id)
            await self._audit(connection, endpoint_id, caller, "deleted", {})
            return 200, orjson.dumps({"id": str(endpoint_id), "state": "deleted"})

        return await write_once(self._database, key, work)

    async def rotate(self, caller: Caller, key: WriteKey, text: str) -> StoredAnswer:
        """200 with the new secret; the old one signs too for a day. Raises Forbidden, EndpointNotFound, KeyReused."""
        caller.require(*OWNERS)
        endpoint_id, secret = endpoint_id_of(text), new_secret()

        async def work(connection: Connection) -> tuple[int, bytes]:
            await owned(connection, caller, endpoint_id)
            at = self._now()
            retired_until = at + timedelta(hours=self._settings.webhook_secret_overlap_h)
            sealed = self._box.seal(secret.encode(), endpoint_id)
            await endpoint_store.rotate(connection, endpoint_id, sealed, retired_until=retired_until, at=at)
            await self._audit(connection, endpoint_id, caller, "secret_rotated", {})
            view = endpoint_view(await endpoint_store.lock(connection, endpoint_id))
            return 200, seal_answer(self._box, endpoint_id, view, secret)

        return reveal(self._box, await write_once(self._database, key, work))

    async def _checked(self, url: str) -> str:
        """The host. Raises InvalidRequest; outside of any transaction, because it resolves the name."""
        try:
            await self._client.check(url)
        except (TargetRefused, TargetUnreachable) as refused:
            raise InvalidRequest(
                "The request was refused and nothing was stored.", errors=[FieldError("url", str(refused))]
            ) from None
        return self._client.rules.host_of(url)

    async def _audit(
        self, connection: Connection, endpoint_id: UUID, caller: Caller, what: str, details: dict[str, Any]
    ) -> None:
        entry = AuditEntry(
            endpoint_stream(endpoint_id),
            f"{ACTOR}:{caller.subject}",
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


def endpoint_id_of(text: str) -> UUID:
    """Raises EndpointNotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise EndpointNotFound from None
