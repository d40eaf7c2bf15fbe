import pytest

from fundline.services.status_api.settings import Settings
from support.status_service import Applications


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
def applications(database, settings) -> Applications:
    return Applications(database, settings)


@pytest.fixture
def headers(headers):
    """Of a read: without a key."""

    def build(subject: str = "alice", role: str = "applicant", **more: str) -> dict[str, str]:
        return headers(subject, role, key="", **more)

    return build
