from collections.abc import AsyncIterator

import pytest

from fundline.platform.database import Database, open_database
from fundline.platform.settings import DatabaseSettings


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """As the processes log in: fundline_app."""
    opened = await open_database(DatabaseSettings(database_url=database_url, database_pool_size=2))
    yield opened
    await opened.close()
