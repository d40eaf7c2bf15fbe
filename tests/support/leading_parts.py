"""Each part that leads, with a piece of its work, and how a test sees that the work is done and sound."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any, Protocol

from prometheus_client import CollectorRegistry

from fundline.contracts.payloads import ApplicationCreated
from fundline.contracts.topics import APPLICATIONS_CREATED
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import utc_now
from fundline.platform.database import Database
from fundline.platform.database.outbox import outbox_row, store_events
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.process import Background
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.event_router.anchoring import Anchoring, AnchorSettings
from fundline.services.event_router.relay import Relay
from fundline.services.event_router.settings import Settings as RouterSettings
from fundline.services.reconciler.settings import Settings as ReconcilerSettings
from fundline.services.reconciler.wiring import open_reconciler
from fundline.services.risk_worker.guardrail import Guardrail, GuardrailSettings
from support.approved_applications import store_application
from support.audit import Trail
from support.kafka import AT, read_all
from support.model_changes import CHALLENGER, CHAMPION, decisions
from support.reconciler import waiting_events

SILENCE_MS = 1000
EVENTS = 20


class Part(Protocol):
    """What one leading part needs to run, and how its work is seen."""

    lock_id: int

    def instance(self, database_url: str) -> contextlib.AbstractAsyncContextManager[Background]: ...

    async def give_work(self) -> None: ...

    async def is_done(self) -> bool: ...

    async def assert_sound(self) -> None: ...


class Relaying:
    def __init__(self, engines: Any, database: Database, topic_prefix: str) -> None:
        self._database, self._key, self._given = database, uuid.uuid4(), 0
        self._settings = RouterSettings(
            database_url="postgresql://nowhere",
            kafka_bootstrap=engines.bootstrap,
            kafka_dialect=engines.kafka_dialect,
            topic_prefix=topic_prefix,
            router_standby_poll_ms=50,
            database_leader_silence_ms=SILENCE_MS,
        )
        self.lock_id = self._settings.router_lock_id

    @contextlib.asynccontextmanager
    async def instance(self, database_url: str) -> AsyncIterator[Background]:
        settings = self._settings.model_copy(update={"database_url": database_url})
        yield Relay(settings, EventProducer(settings), self, Metrics(CollectorRegistry()))  # type: ignore[arg-type]  # it has one lane

    def topic_of(self, topic: str, _payload: str) -> str:
        return topic

    async def give_work(self) -> None:
        for number in range(self._given, self._given + EVENTS):
            payload = ApplicationCreated(
                application_id=self._key, user_id=str(number), amount="1.00", currency="USD", timestamp=AT
            )
            row = outbox_row(
                APPLICATIONS_CREATED, payload, key=self._key, event_id=uuid.uuid4(), source="tests", at=AT
            )
            async with self._database.transaction() as connection:
                await store_events(connection, [row])
        self._given += EVENTS

    async def is_done(self) -> bool:
        return await self._database.fetch("select 1 from outbox limit 1") == []

    async def assert_sound(self) -> None:
        topic = self._settings.topic_prefix + APPLICATIONS_CREATED.name
        found = await asyncio.to_thread(read_all, self._settings.kafka_bootstrap, topic, wait_for=self._given)
        told = [int(json.loads(message.value)["userId"]) for message in found]
        firsts = list(dict.fromkeys(told))
        assert firsts == list(range(self._given)), "an event is lost or has overtaken another"


class KeepingAnchors:
    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._settings = AnchorSettings(
            database_url="postgresql://nowhere",
            audit_key_file=trail.key_file,
            audit_anchor_file=trail.anchor_file,
            audit_anchor_every_s=0.05,
            database_leader_silence_ms=SILENCE_MS,
        )
        self.lock_id = self._settings.audit_lock_id

    @contextlib.asynccontextmanager
    async def instance(self, database_url: str) -> AsyncIterator[Background]:
        settings = self._settings.model_copy(update={"database_url": database_url})
        yield Anchoring(settings, self._trail.database, Metrics(CollectorRegistry()))

    async def give_work(self) -> None:
        async with self._trail.database.transaction() as connection:
            await record(connection, AuditEntry("keys", "tests:anna", "a.began", utc_now()))

    async def is_done(self) -> bool:
        grown = "select 1 from audit_streams where anchored_sequence < sequence"
        return await self._trail.database.fetch(grown) == []

    async def assert_sound(self) -> None:
        assert await self._trail.findings() == []


class Guarding:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._settings = GuardrailSettings(
            database_url="postgresql://nowhere",
            guardrail_every_s=0.05,
            guardrail_lock_id=7,
            database_leader_silence_ms=SILENCE_MS,
        )
        self.lock_id = self._settings.guardrail_lock_id

    @contextlib.asynccontextmanager
    async def instance(self, database_url: str) -> AsyncIterator[Background]:
        settings = self._settings.model_copy(update={"database_url": database_url})
        yield Guardrail(settings, self, Metrics(CollectorRegistry()))  # type: ignore[arg-type]  # all it asks for

    def pair(self) -> tuple[str, str | None]:
        return CHAMPION, CHALLENGER

    async def give_work(self) -> None:
        if await self._trips() > 0:
            return  # a challenger is tripped once
        await decisions(self._database, CHAMPION, 180)
        await decisions(self._database, CHALLENGER, 30, verdict="pending_review", failed=True)

    async def is_done(self) -> bool:
        return await self._trips() > 0

    async def assert_sound(self) -> None:
        assert await self._trips() == 1

    async def _trips(self) -> int:
        return len(await self._database.fetch("select 1 from model_changes where action = 'tripped'"))


class Reconciling:
    def __init__(self, engines: Any, database: Database, box: SecretBox) -> None:
        self._database, self._box = database, box
        self._stuck: list[uuid.UUID] = []
        self._settings = ReconcilerSettings(
            database_url="postgresql://nowhere",
            cache_url=engines.cache_url,
            kafka_bootstrap=engines.bootstrap,
            bank_url="http://127.0.0.1:9",
            reconciler_every_s=0.05,
            database_leader_silence_ms=SILENCE_MS,
        )
        self.lock_id = self._settings.reconciler_lock_id

    @contextlib.asynccontextmanager
    async def instance(self, database_url: str) -> AsyncIterator[Background]:
        settings = self._settings.model_copy(update={"database_url": database_url})
        async with open_reconciler(settings, Metrics(CollectorRegistry())) as opened:
            yield opened.reconciler

    async def give_work(self) -> None:
        stuck = await store_application(self._database, self._box, status="risk_scoring")
        self._stuck.append(stuck)

    async def is_done(self) -> bool:
        return await waiting_events(self._database, self._stuck[-1]) != []

    async def assert_sound(self) -> None:
        for application_id in self._stuck:
            assert await waiting_events(self._database, application_id) == ["risk.scoring.requested"]
