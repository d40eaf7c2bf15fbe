from collections.abc import Iterator
from pathlib import Path

import pytest

from fundline.platform.telemetry.logs import configure_logs
from support.engines import Engines, own_database, own_topics, started_engines

configure_logs(process="tests", instance="tests-1", level="WARNING")


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """PostgreSQL, Valkey and Kafka, started once for the whole run."""
    with started_engines() as running:
        yield running


@pytest.fixture
def database_url(engines: Engines) -> Iterator[str]:
    """The address of a migrated database that only this test uses."""
    with own_database(engines) as url:
        yield url


@pytest.fixture
def topic_prefix(engines: Engines) -> str:
    """The prefix of a set of topics that only this test uses."""
    return own_topics(engines)


@pytest.fixture
def account_key_file(engines: Engines) -> Path:
    return Path(engines.home.keys / "account.key")
