from collections.abc import AsyncIterator

import pytest

from fundline.platform.database import Database, open_database
from fundline.platform.settings import DatabaseSettings


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(DatabaseSettings(database_url=database_url))
    yield opened
    await opened.close()
