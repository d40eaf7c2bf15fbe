"""The notification service in the test's own process, as its composition root wires it, without Kafka."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from aiosmtpd.smtp import SMTP
from prometheus_client import CollectorRegistry

from fundline.contracts.payloads import DisbursementCompleted, StatusUpdated
from fundline.contracts.topics import DISBURSEMENT_COMPLETED, STATUS_UPDATED
from fundline.outside.mail_sink.mailbox import Mailbox
from fundline.outside.mail_sink.smtp import Taker
from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database
from fundline.platform.http.api import api
from fundline.platform.http.edge import Edge
from fundline.platform.http.endpoints import served
from fundline.platform.http.outbound import Resolve
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.mail import MailServer, MailServerAway
from fundline.platform.resilience import CircuitBreaker
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.notification_service.announcement import Announcement
from fundline.services.notification_service.channel import Channels
from fundline.services.notification_service.delivery_desk import DeliveryDesk
from fundline.services.notification_service.endpoints import Endpoints
from fundline.services.notification_service.handlers import PaymentFinished, StatusChanged
from fundline.services.notification_service.mail_channel import MailChannel
from fundline.services.notification_service.mails import MailRoom
from fundline.services.notification_service.outbound_targets import OutboundTargets
from fundline.services.notification_service.preferences import PreferenceDesk
from fundline.services.notification_service.routes import bound
from fundline.services.notification_service.settings import Settings
from fundline.services.notification_service.wiring import Delivering, open_delivering
from support.approved_applications import AMOUNT
from support.stored import event_of

AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


@dataclass
class Notifier:
    database: Database
    delivering: Delivering
    announcement: Announcement
    http: httpx.AsyncClient
    metrics: Metrics
    stop: asyncio.Event
    running: "asyncio.Task[None]"

    async def stop_courier(self) -> None:
        """The API goes on without it; waits until what is under way is recorded."""
        self.stop.set()
        self.delivering.courier.wake()
        await self.running

    async def status(self, application_id: UUID, status: str, sequence: int, **metadata: Any) -> Any:
        """A `status.updated` arrives; returns it, to be delivered again."""
        payload = StatusUpdated(
            application_id=application_id,
            status=status,
            timestamp=AT,
            sequence=sequence,
            tracking_id="FL-7K2Q-M9XD-40RTP",
            user_id="alice",
            metadata=metadata,
        )
        event = event_of(STATUS_UPDATED, payload, application_id)
        await self.deliver(event)
        return event

    async def paid(self, application_id: UUID, result: str = "completed") -> Any:
        """A `disbursement.completed` arrives."""
        payload = DisbursementCompleted(
            application_id=application_id,
            status=result,
            transaction_id="txn_1" if result == "completed" else None,
            timestamp=AT,
            error=None if result == "completed" else "account_closed",
            payment_id=uuid.uuid4(),
            amount=AMOUNT.text(),
            currency=AMOUNT.currency,
        )
        event = event_of(DISBURSEMENT_COMPLETED, payload, application_id)
        await self.deliver(event)
        return event

    async def deliver(self, event: Any) -> None:
        door = StatusChanged if event.topic is STATUS_UPDATED else PaymentFinished
        await door(self.announcement)(event)

    async def rows(self) -> list[dict[str, Any]]:
        found = await self.database.fetch("select * from notifications order by notification_id")
        return [dict(row) for row in found]

    async def until_state(self, state: str, count: int = 1) -> list[dict[str, Any]]:
        """Every notification, once so many have reached the state."""
        async with asyncio.timeout(60):
            while sum(row["state"] == state for row in await self.rows()) < count:
                await asyncio.sleep(0.01)
        return await self.rows()

    async def until_attempts(self, count: int) -> list[dict[str, Any]]:
        """The delivery log, once it has so many lines."""
        async with asyncio.timeout(60):
            while True:
                found = await self.database.fetch("select * from notification_attempts order by started_at")
                if len(found) >= count:
                    return [dict(row) for row in found]
                await asyncio.sleep(0.01)


CODE = "7K2QM9XD"
"""What confirms every address."""
_CONFIRMED = """
insert into notification_preferences (subscriber, email_enabled, email_statuses, webhooks_enabled, updated_at,
                                      email_confirmed)
values ($1, true, '{}', true, now(), $2)
on conflict (subscriber) do update set email_confirmed = excluded.email_confirmed
"""


async def has_confirmed(database: Database, subscriber: str, address: str) -> None:
    """Long ago: whatever the subscriber wants from now on, this address needs no confirmation."""
    await database.execute(_CONFIRMED, subscriber, address)


def mail_only(database: Database) -> Channels:
    """Whoever wants mail is told by mail; nothing is sent."""
    server = MailServer("127.0.0.1", 1, "none", 1.0)
    breaker = CircuitBreaker("mail-server", failures=(MailServerAway,), longest_open_s=30.0)
    return Channels(
        MailChannel(database, server, MailRoom("fundline@example.com", "mailto:stop@example.com"), breaker)
    )


@contextlib.asynccontextmanager
async def notifier(
    database: Database,
    settings: Settings,
    *,
    resolve: Resolve | None = None,
    trust: Any = None,
    told_within: timedelta = timedelta(days=36_500),
    now: Clock = utc_now,
) -> AsyncIterator[Notifier]:
    """With its courier running."""
    metrics = Metrics(CollectorRegistry())
    delivering = open_delivering(database, settings, metrics, resolve=resolve, trust=trust)
    courier = delivering.courier
    endpoints = Endpoints(database, settings, OutboundTargets(delivering.client), delivering.box)
    desk = DeliveryDesk(database, endpoints, wake=courier.wake)
    preferences = PreferenceDesk(database, wake=courier.wake, now=now, fresh_code=lambda: CODE)
    routes = served(TokenVerifier(settings), bound(endpoints, desk, preferences, delivering.box))
    app = Edge(api(routes), metrics=metrics)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    stop = asyncio.Event()
    running = asyncio.create_task(courier.run(stop))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        announcement = Announcement(
            database,
            delivering.channels,
            told_within=told_within,
            metrics=metrics,
            wake=courier.wake,
            now=now,
        )
        made = Notifier(database, delivering, announcement, http, metrics, stop, running)
        yield made
    await made.stop_courier()
    await delivering.client.close()


@contextlib.asynccontextmanager
async def mail_sink(port: int = 0, taker: Any = None) -> AsyncIterator[tuple[Mailbox, int]]:
    """A mail server; `taker` may be one that refuses. Yields its mailbox and its port."""
    mailbox = Mailbox(100)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(taker or Taker(mailbox), loop=loop, ident="test"), "127.0.0.1", port
    )
    try:
        yield mailbox, server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def until_mails(mailbox: Mailbox, count: int) -> list[Any]:
    """Oldest first."""
    async with asyncio.timeout(60):
        while len(mailbox.newest_first()) < count:
            await asyncio.sleep(0.01)
    return mailbox.newest_first()[::-1]
