"""The operations API in the test's own process, on a database of its own: fixtures."""

import uuid
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from fundline.platform.database import Database, open_database
from fundline.platform.http.api import api
from fundline.platform.http.edge import Edge
from fundline.platform.http.endpoints import served
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.secrets import SecretBox
from fundline.platform.settings import DatabaseSettings, KafkaSettings
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.operations_api.main import bound
from fundline.services.operations_api.settings import Settings


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(DatabaseSettings(database_url=database_url))
    yield opened
    await opened.close()


@pytest.fixture
def kafka_settings(engines, topic_prefix: str) -> KafkaSettings:
    return KafkaSettings(
        kafka_bootstrap=engines.bootstrap,
        kafka_dialect=engines.kafka_dialect,
        topic_prefix=topic_prefix,
        drain_timeout_s=5,
    )


@pytest.fixture
def box(account_key_file) -> SecretBox:
    return SecretBox(account_key_file)


@pytest.fixture
def app(engines, database: Database, database_url: str) -> ASGIApp:
    tokens = TokenVerifier(Settings(database_url=database_url, jwks_file=engines.stack.keys.jwks))
    return Edge(api(served(tokens, bound(database))), metrics=Metrics(CollectorRegistry()))


@pytest.fixture
async def client(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


@pytest.fixture
def headers(engines):
    def build(subject: str = "olga", role: str = "operator", key: str | None = None) -> dict[str, str]:
        return {
            "authorization": f"Bearer {engines.stack.token(subject, role)}",
            "idempotency-key": key or str(uuid.uuid4()),
        }

    return build


@pytest.fixture
def act(client: httpx.AsyncClient, headers):
    """`await act(letter_id, verb, subject=…, **body)`; a reason is given unless the test gives one."""

    async def post(
        letter_id: object, verb: str, *, subject: str = "olga", key: str | None = None, **body: object
    ) -> httpx.Response:
        return await client.post(
            f"/v1/dead-letters/{letter_id}/{verb}",
            json={"reason": "The cause is mended.", **body},
            headers=headers(subject, key=key),
        )

    return post


@pytest.fixture
def shown(client: httpx.AsyncClient, headers):
    async def get(letter_id: object) -> dict[str, object]:
        answer = await client.get(f"/v1/dead-letters/{letter_id}", headers=headers())
        assert answer.status_code == 200, answer.text
        told: dict[str, object] = answer.json()
        return told

    return get
