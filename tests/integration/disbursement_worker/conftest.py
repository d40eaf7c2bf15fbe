from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from fundline.platform.database import Database, open_database
from fundline.platform.secrets import SecretBox
from fundline.platform.settings import DatabaseSettings
from support.bank import Moody, bank_over_http
from support.disbursement import Worker, make_worker


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(DatabaseSettings(database_url=database_url))
    yield opened
    await opened.close()


@pytest.fixture
def box(account_key_file: Path) -> SecretBox:
    return SecretBox(account_key_file)


@pytest.fixture
def conduct() -> Moody:
    """How the bank behind `bank_url` behaves: well, until the test says otherwise."""
    return Moody()


@pytest.fixture
async def bank_url(tmp_path: Path, conduct: Moody) -> AsyncIterator[str]:
    async with bank_over_http(tmp_path / "bank.sqlite", conduct) as url:
        yield url


@pytest.fixture
async def new_worker(
    database: Database, box: SecretBox, bank_url: str
) -> AsyncIterator[Callable[..., Worker]]:
    """Makes workers; `url` is another bank than the running one."""
    made: list[Worker] = []

    def make(url: str | None = None, timeout_s: float = 5.0) -> Worker:
        made.append(make_worker(database, box, url or bank_url, timeout_s))
        return made[-1]

    yield make
    for worker in made:
        await worker.client.close()


@pytest.fixture
def worker(new_worker: Callable[..., Worker]) -> Worker:
    return new_worker()
