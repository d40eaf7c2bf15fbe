"""In which order tests run, and which of them stay together in one worker (ADR 0050 and 0058)."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

NEEDS_FLEET = ("tests/e2e/", "tests/chaos/")
FAST_FIRST = ("unit", "contract", "integration", "e2e", "chaos")
LONG_FIRST = ("e2e", "chaos", "integration", "contract", "unit")
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


def is_on_the_fleet(nodeid: str) -> bool:
    return nodeid.startswith(NEEDS_FLEET)


def place_alone(item: pytest.Item) -> int:
    """In one process: the fast tests first, so that a mistake shows early."""
    return _folder_in(FAST_FIRST, item.path)


def place_in_a_worker(item: pytest.Item) -> tuple[int, bool, bool]:
    """In several processes: the long groups first, and the short tests fill the end."""
    return (
        _folder_in(LONG_FIRST, item.path),
        not _shares_a_fixture(item.path),
        item.path.name not in LONGEST,
    )


def _folder_in(order: Sequence[str], path: Path) -> int:
    return next((number for number, name in enumerate(order) if f"/{name}/" in path.as_posix()), 0)


class OneByOne(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands the workers one test after the other, but the tests of a file that share a module fixture together, and
    those on the fleet: there is one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        if _shares_a_fixture(self.config.rootpath / file):
            return file
        return "fleet" if is_on_the_fleet(nodeid) else nodeid


@cache
def _shares_a_fixture(file: Path) -> bool:
    """By its text: who hands out the tests has not loaded them."""
    return 'scope="module"' in file.read_text()
