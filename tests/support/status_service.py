"""Instances of the status service inside a test, applications that move, and clients that follow them."""

import asyncio
import json
import ssl
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import httpx
import orjson
from prometheus_client import CollectorRegistry

from fundline.domain.application import ApplicationStatus, submitted
from fundline.domain.tracking import tracking_id
from fundline.platform.clock import new_id, utc_now
from fundline.platform.database import Database
from fundline.platform.database.outbox import store_events
from fundline.platform.kafka.producer import EventProducer, Outgoing
from fundline.platform.liveness import Watchdog
from fundline.platform.process import Service as RunningParts
from fundline.platform.process import _server
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.status import lock_application, move_application, status_event
from fundline.services.status_api.settings import Settings
from fundline.services.status_api.wiring import build
from support.ports import free_ports
from support.stored_record import a_record, store_record

STORY = ("risk_scoring", "approved", "disbursed")
"""What follows `processing` when all goes well."""
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Plain HTTP: loading the authorities for each client would hold up the event loop."""
_INSERT_HISTORY = (
    "insert into application_status_history values ($1, 1, 'processing', $2, 'application-api', '{}')"
)


class Applications:
    """Writes applications as the other services do, and publishes their events as the router does, on demand."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._producer = database, EventProducer(settings)

    async def submit(self, owner: str = "alice", at: datetime | None = None) -> str:
        application_id, at = new_id(), at or utc_now()
        written = tracking_id(application_id.int)
        event = status_event(
            submitted(at=at, actor="application-api"),
            application_id=application_id,
            tracking_id=written,
            user_id=owner,
            event_id=uuid.uuid4(),
            source="application-api",
        )
        async with self._database.transaction() as connection:
            record = a_record(
                application_id=application_id, tracking_id=written, user_id=owner, created_at=at
            )
            await store_record(connection, record)
            await connection.execute(_INSERT_HISTORY, application_id, at)
            await store_events(connection, [event])
        return str(application_id)

    async def move(self, application_id: str, *statuses: str, at: datetime | None = None) -> None:
        for status in statuses:
            async with self._database.transaction() as connection:
                locked = await lock_application(connection, uuid.UUID(application_id))
                await move_application(
                    connection,
                    locked,
                    ApplicationStatus(status),
                    at=at or utc_now(),
                    actor="risk-worker",
                    new_id=new_id,
                    metadata={"step": status},
                )

    async def publish(self, *, lose: int = 0) -> None:
        """Every event that waits, in order. `lose` drops the first ones for good."""
        rows = await self._database.fetch(
            "with gone as (delete from outbox returning *) select * from gone order by position"
        )
        batch = [
            Outgoing(row["topic"], str(row["key"]), row["payload"].encode(), orjson.loads(row["headers"]))
            for row in rows[lose:]
        ]
        await asyncio.to_thread(self._producer.publish, batch)


@dataclass(frozen=True)
class Instance:
    url: str
    metrics: Metrics
    parts: RunningParts

    def drain(self) -> None:
        self.parts.on_drain()

    def value(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    async def assigned(self) -> None:
        """Until the consumer group has given this instance its partitions and the fan-out reads."""
        consumer, fan_out, _ = cast("tuple[Any, ...]", self.parts.background)
        async with asyncio.timeout(30):
            while not (await consumer.ready() and fan_out._reader.reading.is_set()):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def status_service(settings: Settings, name: str = "status-service-1") -> AsyncIterator[Instance]:
    """One instance on a real socket, without the signal handling of a process."""
    own = settings.model_copy(update={"instance": name, "http_port": free_ports().status_service})
    metrics, stop = Metrics(CollectorRegistry()), asyncio.Event()
    parts = await build(own, metrics)
    beats = [beat for part in parts.background for beat in part.heartbeats]
    server = _server(own, parts, stop, metrics, Watchdog(beats, grace_s=own.hung_grace_s))
    tasks = [asyncio.create_task(background.run(stop)) for background in parts.background]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield Instance(f"http://127.0.0.1:{own.http_port}", metrics, parts)
    finally:
        stop.set()
        parts.on_drain()
        server.should_exit = True
        await asyncio.gather(serving, *tasks)
        for close in parts.close:
            await close()


@dataclass
class SeenStream:
    """What one SSE client got."""

    status_code: int
    events: list[tuple[int, dict[str, Any]]]
    headers: httpx.Headers
    comments: int = 0

    @property
    def sequences(self) -> list[int]:
        return [sequence for sequence, _ in self.events]

    @property
    def statuses(self) -> list[str]:
        return [data["status"] for _, data in self.events]


async def follow(
    url: str,
    application_id: str,
    headers: dict[str, str],
    *,
    seen: SeenStream | None = None,
    stop_after: int = 99,
) -> SeenStream:
    """Read until the stream ends, or `stop_after` events. `seen` is filled while it goes on."""
    timeout = httpx.Timeout(30)
    async with (
        httpx.AsyncClient(base_url=url, timeout=timeout, trust_env=False, verify=NO_TLS) as client,
        client.stream("GET", f"/v1/status/{application_id}/events", headers=headers) as answer,
    ):
        result = seen or SeenStream(0, [], answer.headers)
        result.status_code, result.headers = answer.status_code, answer.headers
        sequence = 0
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                sequence = int(line[4:])
            elif line.startswith("data: "):
                result.events.append((sequence, json.loads(line[6:])))
            elif line.startswith(":"):
                result.comments += 1
            if len(result.events) >= stop_after:
                break
        return result


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def following(
    url: str, application_id: str, headers: dict[str, str]
) -> AsyncIterator[tuple[SeenStream, asyncio.Task[Any]]]:
    """A client that follows in the background; yields what it has seen so far."""
    seen = SeenStream(0, [], httpx.Headers())
    task = asyncio.create_task(follow(url, application_id, headers, seen=seen))
    try:
        yield seen, task
    finally:
        task.cancel()
        await asyncio.wait([task])
