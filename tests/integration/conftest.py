"""Fixtures that tests of more than one noun use; what only one noun needs stands in its folder."""

import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from fundline.platform.cache import Cache, open_cache
from fundline.platform.database import Database, open_database
from fundline.platform.flag_file import FlagFile
from fundline.platform.http.api import api
from fundline.platform.http.edge import Edge
from fundline.platform.http.endpoints import served
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.secrets import SecretBox
from fundline.platform.settings import CacheSettings, DatabaseSettings, KafkaSettings, TokenSettings
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.operations_api.wiring import bound
from fundline.stack.flags_file import DEFAULT_FLAGS
from support.bank import bank_over_http
from support.engines import Engines
from support.payment import TestedWorker, worker_on
from support.scoring import CHAMPION, Bench, packaged_model
from support.valkey import OwnValkey

Headers = Callable[..., dict[str, str]]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's own database, as the processes log in: fundline_app."""
    opened = await open_database(DatabaseSettings(database_url=database_url))
    yield opened
    await opened.close()


@pytest.fixture
async def cache(engines: Engines) -> AsyncIterator[Cache]:
    opened = await open_cache(CacheSettings(cache_url=engines.cache_url, cache_timeout_ms=1000))
    yield opened
    await opened.close()


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[OwnValkey]:
    """A cache that only this test uses, so that it can be killed."""
    server = OwnValkey(tmp_path)
    await server.start()
    yield server
    server.kill()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
def kafka_settings(engines: Engines, topic_prefix: str) -> KafkaSettings:
    return KafkaSettings(
        kafka_bootstrap=engines.bootstrap,
        kafka_dialect=engines.kafka_dialect,
        topic_prefix=topic_prefix,
        drain_timeout_s=5,
    )


@pytest.fixture
def box(account_key_file: Path) -> SecretBox:
    return SecretBox(account_key_file)


@pytest.fixture
async def bank_url(tmp_path: Path) -> AsyncIterator[str]:
    """A bank of the test's own, which behaves well."""
    async with bank_over_http(tmp_path / "bank.sqlite") as url:
        yield url


@pytest.fixture
async def worker(database: Database, account_key_file: Path, bank_url: str) -> AsyncIterator[TestedWorker]:
    """A disbursement worker whose handlers the test calls."""
    made = worker_on(database, bank_url, account_key_file)
    yield made
    await made.client.close()


@pytest.fixture
async def bench(database: Database, cache: Cache) -> AsyncIterator[Bench]:
    """A risk worker whose handlers the test calls; its fallback is the packaged champion."""
    made = Bench(database, cache, fallback=packaged_model(CHAMPION))
    yield made
    await made.compute.close()


@pytest.fixture
def headers(engines: Engines) -> Headers:
    """`headers(subject, role, key=…)`: a caller's token, and a new key for a write unless `key` is given or empty."""

    def build(
        subject: str = "alice", role: str = "applicant", key: str | None = None, **more: str
    ) -> dict[str, str]:
        made = {"authorization": f"Bearer {engines.stack.token(subject, role)}"}
        if key != "":
            made["idempotency-key"] = key or str(uuid.uuid4())
        return made | more

    return build


@pytest.fixture
def operator_headers(headers: Headers) -> Headers:
    """The same for an operator, olga unless another one is named."""

    def build(subject: str = "olga", role: str = "operator", key: str | None = None) -> dict[str, str]:
        return headers(subject, role, key)

    return build


@pytest.fixture
def flags_file(tmp_path: Path) -> Path:
    """The flags of a fresh stack, for the test alone."""
    file = tmp_path / "flags.json"
    file.write_bytes(DEFAULT_FLAGS.read_bytes())
    return file


@pytest.fixture
def operations_app(engines: Engines, database: Database, flags_file: Path) -> ASGIApp:
    """The operations API in the test's own process."""
    tokens = TokenVerifier(TokenSettings(jwks_file=engines.stack.keys.jwks))
    return Edge(
        api(served(tokens, bound(database, FlagFile(flags_file)))), metrics=Metrics(CollectorRegistry())
    )


@pytest.fixture
async def operations(operations_app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the operations API."""
    transport = httpx.ASGITransport(app=operations_app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened
