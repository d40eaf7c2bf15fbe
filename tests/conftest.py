import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis
import pytest
from hypothesis import HealthCheck

from fundline.platform.telemetry.logs import configure_logs
from fundline.stack.running import Stack
from support.engines import Engines, own_database, own_topics, started_engines
from support.order import OneByOne, is_on_the_fleet, place_alone, place_in_a_worker
from support.three_checks import problems_of_fleet, problems_of_own_database
from support.whole_fleet import missing_parts

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


_ON_THE_FLEET_S = 300
"""Whichever test is the first starts the fleet within its own limit."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=place_in_a_worker if hasattr(config, "workerinput") else place_alone)
    for item in items:
        if is_on_the_fleet(item.nodeid) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_ON_THE_FLEET_S))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneByOne:
    config.option.loadscopereorder = False  # the order of the collection says what is long
    return OneByOne(config, log)


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """PostgreSQL, Valkey and Kafka, started once for the whole run, or once in each of its workers."""
    with started_engines(with_fleet=False) as running:
        yield running


_fleet = ExitStack()


@pytest.fixture(scope="session")
def fleet() -> Iterator[Stack]:
    """The whole platform behind its gateway, with engines of its own."""
    with _fleet:
        yield _fleet.enter_context(started_engines(with_fleet=True)).stack


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """The fleet stops after its last test, not at the end: its processes would take time from the tests that follow."""
    yield
    if nextitem is not None and is_on_the_fleet(item.nodeid) and not is_on_the_fleet(nextitem.nodeid):
        _fleet.close()


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
def the_fleet_is_left_whole_and_its_money_is_right(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test on the fleet, chaos or not: the three checks, and the next test finds every process."""
    yield
    if "fleet" not in request.fixturenames:
        return
    stack = request.getfixturevalue("fleet")
    if request.node.get_closest_marker("breaks_the_books") is None:
        settings = stack.settings
        assert problems_of_fleet(settings["FUNDLINE_DATABASE_URL"], settings["FUNDLINE_BANK_URL"]) == []
    assert missing_parts(stack) == []


@pytest.fixture
def topic_prefix(engines: Engines) -> Iterator[str]:
    """The prefix of a set of topics that only this test uses."""
    with own_topics(engines) as prefix:
        yield prefix


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
