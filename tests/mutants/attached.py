"""The engines of a campaign, for the tests of a mutated copy: they are started once, not once for each mutation."""

from typing import Any

import pytest

RUNNING: list[Any] = []
"""The engines, once they run; inherited by each forked run of pytest."""


@pytest.fixture(scope="session")
def engines() -> Any:
    return RUNNING[0]
