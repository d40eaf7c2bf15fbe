from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fundline.platform.cache import Cache, open_cache
from fundline.platform.database import Database, open_database
from fundline.platform.secrets import SecretBox
from fundline.platform.settings import CacheSettings, DatabaseSettings
from support.engines import Engines
from support.reconciler import WrittenStatement


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(DatabaseSettings(database_url=database_url, database_pool_size=4))
    yield opened
    await opened.close()


@pytest.fixture
async def cache(engines: Engines) -> AsyncIterator[Cache]:
    opened = await open_cache(CacheSettings(cache_url=engines.cache_url, cache_timeout_ms=1000))
    yield opened
    await opened.close()


@pytest.fixture
def box(account_key_file: Path) -> SecretBox:
    return SecretBox(account_key_file)


@pytest.fixture
def bank() -> WrittenStatement:
    return WrittenStatement()
