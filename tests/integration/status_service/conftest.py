from collections.abc import AsyncIterator

import pytest

from fundline.platform.database import Database, open_database
from fundline.services.status_api.settings import Settings
from support.status_service import Applications
from support.valkey import OwnValkey


@pytest.fixture
async def valkey(tmp_path) -> AsyncIterator[OwnValkey]:
    server = OwnValkey(tmp_path)
    await server.start()
    yield server
    server.kill()


@pytest.fixture
def settings(engines, database_url, topic_prefix, valkey) -> Settings:
    return Settings(
        process="status-service",
        database_url=database_url,
        database_pool_size=4,
        kafka_bootstrap=engines.bootstrap,
        kafka_dialect=engines.kafka_dialect,
        topic_prefix=topic_prefix,
        cache_url=valkey.url,
        cache_timeout_ms=3000,  # a busy machine must not look like a cache that is away
        jwks_file=engines.stack.keys.jwks,
        stream_heartbeat_s=0.2,
        stream_catch_up_s=3600,
        drain_timeout_s=5,
    )


@pytest.fixture
async def database(settings) -> AsyncIterator[Database]:
    opened = await open_database(settings)
    yield opened
    await opened.close()


@pytest.fixture
def applications(database, settings) -> Applications:
    return Applications(database, settings)


@pytest.fixture
def headers(engines):
    def build(subject: str = "alice", role: str = "applicant", **more: str) -> dict[str, str]:
        return {"authorization": f"Bearer {engines.stack.token(subject, role)}", **more}

    return build
