from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from fundline.platform.database import Database
from support.bank import Moody, bank_over_http
from support.payment import TestedWorker, worker_on


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
    database: Database, account_key_file: Path, bank_url: str
) -> AsyncIterator[Callable[..., TestedWorker]]:
    """Makes workers; `url` is another bank than the running one. The rest is that of `worker_on`."""
    made: list[TestedWorker] = []

    def make(url: str | None = None, **how: Any) -> TestedWorker:
        made.append(worker_on(database, url or bank_url, account_key_file, **how))
        return made[-1]

    yield make
    for worker in made:
        await worker.client.close()


@pytest.fixture
def worker(new_worker: Callable[..., TestedWorker]) -> TestedWorker:
    return new_worker()
