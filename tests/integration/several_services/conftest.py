from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.engines import Engines
from support.running_services import Place, Services, running_services


@pytest.fixture
def place(
    engines: Engines, database_url: str, tmp_path: Path, account_key_file: Path, flags_file: Path
) -> Place:
    return Place(
        database_url, engines.cache_url, engines.stack.keys.jwks, account_key_file, flags_file, tmp_path
    )


@pytest.fixture
async def services(place: Place) -> AsyncIterator[Services]:
    """Those behind the gateway, by the process's name."""
    async with running_services(place) as running:
        yield running
