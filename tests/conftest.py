import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
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
NEEDS_FLEET = ("tests/e2e/", "tests/chaos/")
FAST_FIRST = ("unit", "contract", "integration", "e2e", "chaos")
"""In one process the first mistake shows early. In several the long groups begin, and the short tests fill the end."""
LONGEST = (
    "test_wrong_clocks.py",
    "test_group_watch.py",
    "test_crash_points.py",
    "test_training_repeats.py",
    "test_payment_processes.py",
    "test_consumers_and_a_paused_kafka.py",
    "test_notification_process.py",
    "test_risk_worker_processes.py",
    "test_bank_tells.py",
    "test_message_that_kills.py",
)
"""Of the integration tests: half a minute or more for one test, or a broker that is killed, which is the slower to come
back the more topics it has."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    is_worker = hasattr(config, "workerinput")

    def place(item: pytest.Item) -> tuple[int, ...]:
        folder = next((n for n, name in enumerate(FAST_FIRST) if f"/{name}/" in item.path.as_posix()), 0)
        if not is_worker:
            return (folder,)
        is_long = item.path.name in LONGEST
        return (-folder, not _shares_a_fixture(item.path), not is_long)

    items.sort(key=place)


class OneByOne(LoadScopeScheduling):
    """Hands the workers one test after the other, but the tests of a file that share a module fixture together, and
    those on the fleet: there is one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        if _shares_a_fixture(self.config.rootpath / file):
            return file
        return "fleet" if file.startswith(NEEDS_FLEET) else nodeid


@cache
def _shares_a_fixture(file: Path) -> bool:
    """By its text: who hands out the tests has not loaded them."""
    return 'scope="module"' in file.read_text()


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
    if nextitem is not None and _is_on_the_fleet(item) and not _is_on_the_fleet(nextitem):
        _fleet.close()


def _is_on_the_fleet(item: pytest.Item) -> bool:
    return item.nodeid.startswith(NEEDS_FLEET)


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
