"""The operations API's payments in the test's own process, and a disbursement worker beside it: fixtures."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from fundline.platform.database import Database, open_database
from fundline.platform.http.api import api
from fundline.platform.http.edge import Edge
from fundline.platform.http.endpoints import served
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.secrets import SecretBox
from fundline.platform.settings import DatabaseSettings
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.operations_api.main import bound
from fundline.services.operations_api.settings import Settings
from support.bank import bank_over_http
from support.disbursement import TestedWorker, worker_on


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(DatabaseSettings(database_url=database_url))
    yield opened
    await opened.close()


@pytest.fixture
def box(account_key_file: Path) -> SecretBox:
    return SecretBox(account_key_file)


@pytest.fixture
async def bank_url(tmp_path: Path) -> AsyncIterator[str]:
    async with bank_over_http(tmp_path / "bank.sqlite") as url:
        yield url


@pytest.fixture
async def worker(database: Database, account_key_file: Path, bank_url: str) -> AsyncIterator[TestedWorker]:
    made = worker_on(database, bank_url, account_key_file)
    yield made
    await made.client.close()


@pytest.fixture
async def client(engines, database: Database, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    tokens = TokenVerifier(Settings(database_url=database_url, jwks_file=engines.stack.keys.jwks))
    app = Edge(api(served(tokens, bound(database))), metrics=Metrics(CollectorRegistry()))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


@pytest.fixture
def headers(engines):
    def build(subject: str = "olga", role: str = "operator", key: str | None = None) -> dict[str, str]:
        made = {"authorization": f"Bearer {engines.stack.token(subject, role)}"}
        if key != "":
            made["idempotency-key"] = key or str(uuid.uuid4())
        return made

    return build
