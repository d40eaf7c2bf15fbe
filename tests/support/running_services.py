"""All services behind the gateway, wired as their composition roots wire them, in the test's own process."""

import asyncio
import base64
import contextlib
import threading
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from prometheus_client import CollectorRegistry
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fundline.manual.endpoints import SERVICES
from fundline.platform.cache import Cache, open_cache
from fundline.platform.database import Database, open_database
from fundline.platform.flag_file import FlagFile
from fundline.platform.http.api import api
from fundline.platform.http.edge import Edge
from fundline.platform.http.endpoints import WEBSOCKET, Bound, BoundApp, served
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.secrets import SecretBox
from fundline.platform.settings import CacheSettings, DatabaseSettings, TokenSettings
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.references import application_id_of
from fundline.services.application_api import routes as application_api
from fundline.services.application_api.another_account import AnotherAccount
from fundline.services.application_api.reading import Reading
from fundline.services.application_api.reassessment import Reassessment
from fundline.services.application_api.reference import ReferenceData
from fundline.services.application_api.review import Review
from fundline.services.application_api.submission import Submission
from fundline.services.notification_service import routes as notification_service
from fundline.services.notification_service.delivery_desk import DeliveryDesk
from fundline.services.notification_service.endpoints import Endpoints
from fundline.services.notification_service.outbound_targets import OutboundTargets
from fundline.services.notification_service.preferences import PreferenceDesk
from fundline.services.notification_service.settings import Settings as NotificationSettings
from fundline.services.notification_service.wiring import Delivering, open_delivering
from fundline.services.operations_api.wiring import bound as operations_api
from fundline.services.status_api import routes as status_api
from fundline.services.status_api.fan_out import FanOut
from fundline.services.status_api.live import LiveStatus
from fundline.services.status_api.reading import References, StatusReading
from fundline.services.status_api.settings import Settings as StatusSettings
from support.ports import free_port

Services = Mapping[str, ASGIApp]


@dataclass(frozen=True)
class Place:
    """What the services need. Kafka is not needed: what they store for it stays in the outbox."""

    database_url: str
    cache_url: str
    jwks_file: Path
    account_key_file: Path
    flags_file: Path
    folder: Path


@contextlib.asynccontextmanager
async def running_services(place: Place) -> AsyncIterator[Services]:
    """By the process's name."""
    metrics = Metrics(CollectorRegistry())
    tokens = TokenVerifier(TokenSettings(jwks_file=place.jwks_file))
    database = await open_database(DatabaseSettings(database_url=place.database_url))
    cache = await open_cache(CacheSettings(cache_url=place.cache_url))
    settings = _notification_settings(place)
    delivering = open_delivering(database, settings, metrics, resolve=_somewhere_public)
    bound: dict[str, Sequence[Bound | BoundApp]] = {
        "application-api": await _application_api(database, place, metrics),
        "status-service": _status_service(database, cache, place, metrics, tokens),
        "operations-api": operations_api(database, FlagFile(place.flags_file)),
        "notification-service": _notification_service(database, settings, delivering),
    }

    async def find(text: str) -> uuid.UUID | None:
        return await application_id_of(database, text)

    yield {name: Edge(api(served(tokens, some, find=find)), metrics=metrics) for name, some in bound.items()}
    await cache.close()
    await delivering.client.close()
    await database.close()


async def _application_api(database: Database, place: Place, metrics: Metrics) -> list[Bound]:
    reference = ReferenceData(database)
    await reference.load()
    box = SecretBox(place.account_key_file)
    return application_api.bound(
        Submission(database, box, reference, metrics),
        Reading(database),
        Review(database),
        Reassessment(database),
        AnotherAccount(database, box),
        reference,
    )


def _status_service(
    database: Database, cache: Cache, place: Place, metrics: Metrics, tokens: TokenVerifier
) -> Sequence[BoundApp]:
    settings = StatusSettings(
        database_url=place.database_url,
        kafka_bootstrap="unused",
        cache_url="unused",
        jwks_file=place.jwks_file,
    )
    references = References(database)
    return status_api.bound(
        StatusReading(database, cache, references, metrics, cached_s=60),
        LiveStatus(database, FanOut(queue_limit=8, streams_limit=8), references, settings, metrics),
        tokens,
        settings,
    )


def _notification_settings(place: Place) -> NotificationSettings:
    key_file = place.folder / "webhook.key"
    key_file.write_bytes(base64.b64encode(bytes(range(32))))
    return NotificationSettings(
        database_url=place.database_url,
        kafka_bootstrap="unused",
        jwks_file=place.jwks_file,
        webhook_key_file=key_file,
    )


def _notification_service(
    database: Database, settings: NotificationSettings, delivering: Delivering
) -> list[Bound]:
    endpoints = Endpoints(database, settings, OutboundTargets(delivering.client), delivering.box)
    desk = DeliveryDesk(database, endpoints, wake=lambda: None)
    return notification_service.bound(endpoints, desk, PreferenceDesk(database), delivering.box)


def behind_one_door(services: Services) -> ASGIApp:
    """One app for all, as the gateway is: by the path."""
    doors = [
        (Route(endpoint.path, endpoint=_nobody), services[name])
        for name, endpoints in SERVICES.items()
        for endpoint in endpoints
        if endpoint.method != WEBSOCKET
    ]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found = (service for door, service in doors if door.matches(scope)[0] is not Match.NONE)
        await next(found, services["application-api"])(scope, receive, send)

    return app


@contextlib.contextmanager
def over_http(place: Place) -> Iterator[str]:
    """The address of all of them, in a loop of their own: for clients that wait for an answer without a loop."""
    port, stopping = free_port(), asyncio.Event()
    ready, loop = threading.Event(), asyncio.new_event_loop()

    async def serve() -> None:
        async with running_services(place) as services:
            config = uvicorn.Config(behind_one_door(services), port=port, log_config=None, lifespan="off")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            while not server.started:
                await asyncio.sleep(0.01)
            ready.set()
            await stopping.wait()
            server.should_exit = True
            await serving

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(30)
        loop.close()


async def _somewhere_public(_host: str, _port: int) -> list[str]:
    return ["93.184.215.14"]


async def _nobody(_: object) -> None:
    """Stands in a route that is only asked whether it matches."""
