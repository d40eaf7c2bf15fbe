from collections.abc import AsyncIterator

import asyncpg
import pytest

from fundline.platform.database import Database, open_database
from fundline.platform.settings import DatabaseSettings
from support.engines import Engines


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """As the processes log in: fundline_app."""
    opened = await open_database(DatabaseSettings(database_url=database_url, database_pool_size=2))
    yield opened
    await opened.close()


@pytest.fixture
async def owner(engines: Engines, database_url: str) -> "AsyncIterator[asyncpg.Connection]":
    """The owner of the tables, in the test's own database."""
    server = engines.stack.postgres.owner_url.rsplit("/", 1)[0]
    connection = await asyncpg.connect(f"{server}/{database_url.rsplit('/', 1)[1]}")
    yield connection
    await connection.close()
