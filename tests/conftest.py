import os
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest
from hypothesis import HealthCheck
from xdist.scheduler import LoadScopeScheduling

from fundline.platform.telemetry.logs import configure_logs
from fundline.stack.running import Stack
from support.engines import Engines, own_database, own_topics, started_engines
from support.three_checks import problems_of_fleet, problems_of_own_database

# How long an example takes says something of the machine only; and mutants are many, so each sees fewer examples.
_NOW = hypothesis.settings.get_profile(hypothesis.settings.get_current_profile_name())
hypothesis.settings.register_profile(
    "fundline", _NOW, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis.settings.register_profile("mutants", hypothesis.settings.get_profile("fundline"), max_examples=15)
hypothesis.settings.load_profile("fundline")

configure_logs(
    process="tests",
    instance="tests-1",
    level="WARNING",
    stream=os.fdopen(1, "wb", buffering=0, closefd=False),
)
NEEDS_FLEET = ("tests/e2e/", "tests/chaos/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first, the whole fleet last."""
    order = ["unit", "contract", "integration", "e2e", "chaos"]

    def place(item: pytest.Item) -> int:
        return next((n for n, name in enumerate(order) if f"/{name}/" in item.path.as_posix()), 0)

    items.sort(key=place)


class OneByOne(LoadScopeScheduling):
    """Hands the workers one test after the other, but the tests of a file that share a module fixture together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        if file.startswith(NEEDS_FLEET):
            return "fleet"
        return file if _shares_a_fixture(self.config.rootpath / file) else nodeid


@cache
def _shares_a_fixture(file: Path) -> bool:
    """By its text: who hands out the tests has not loaded them."""
    return 'scope="module"' in file.read_text()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneByOne:
    return OneByOne(config, log)


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """PostgreSQL, Valkey and Kafka, started once for the whole run, or once in each of its workers."""
    with started_engines(with_fleet=False) as running:
        yield running


@pytest.fixture(scope="session")
def fleet() -> Iterator[Stack]:
    """The whole platform behind its gateway, with engines of its own."""
    with started_engines(with_fleet=True) as running:
        yield running.stack


@pytest.fixture
def database_url(engines: Engines, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a migrated database that only this test uses; the checks on money hold when it is done."""
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    with own_database(engines) as url:
        yield url
        if request.node.get_closest_marker("breaks_the_books") is None:
            is_asked = request.node.get_closest_marker("has_no_banks_ledger") is None
            ledgers = sorted(folder.glob("*.sqlite")) if folder is not None and is_asked else None
            assert problems_of_own_database(url, ledgers) == []


@pytest.fixture(autouse=True)
def the_fleets_money_is_right(request: pytest.FixtureRequest) -> Iterator[None]:
    """The three checks after every test on the fleet, chaos or not."""
    yield
    if "fleet" in request.fixturenames and request.node.get_closest_marker("breaks_the_books") is None:
        settings = request.getfixturevalue("fleet").settings
        assert problems_of_fleet(settings["FUNDLINE_DATABASE_URL"], settings["FUNDLINE_BANK_URL"]) == []


@pytest.fixture
def topic_prefix(engines: Engines) -> str:
    """The prefix of a set of topics that only this test uses."""
    return own_topics(engines)


@pytest.fixture
def account_key_file(engines: Engines) -> Path:
    return Path(engines.home.keys / "account.key")


@pytest.fixture
async def owner(engines: Engines, database_url: str) -> "AsyncIterator[asyncpg.Connection]":
    """The owner of the tables, in the test's own database."""
    server = engines.stack.postgres.owner_url.rsplit("/", 1)[0]
    connection = await asyncpg.connect(f"{server}/{database_url.rsplit('/', 1)[1]}")
    yield connection
    await connection.close()
