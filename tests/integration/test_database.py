import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from fundline.platform.database import Database, RowBusy, UniqueRule, open_database
from fundline.platform.database.pool import DatabaseUnavailable
from fundline.platform.settings import DatabaseSettings

pytestmark = pytest.mark.integration


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    settings = DatabaseSettings(
        database_url=database_url, database_pool_size=2, database_lock_timeout_ms=100, database_timeout_s=3
    )
    opened = await open_database(settings)
    yield opened
    await opened.close()


async def test_a_database_that_is_not_there_is_unavailable():
    with pytest.raises(DatabaseUnavailable):
        await open_database(DatabaseSettings(database_url="postgresql://u:p@127.0.0.1:1/none"))


async def test_a_broken_constraint_has_its_name(database):
    insert = "insert into inbox (consumer, event_id) values ('c', $1)"
    event_id = uuid.uuid4()
    await database.execute(insert, event_id)
    with pytest.raises(UniqueRule) as broken:
        await database.execute(insert, event_id)
    assert broken.value.constraint == "inbox_once_per_consumer"


async def test_a_row_that_another_transaction_holds_is_busy_after_a_moment(database):
    event_id = uuid.uuid4()
    await database.execute("insert into inbox (consumer, event_id) values ('c', $1)", event_id)
    lock = "select 1 from inbox where event_id = $1 for update"
    async with database.transaction() as connection:
        await connection.execute(lock, event_id)
        with pytest.raises(RowBusy):
            async with database.transaction() as second:
                await second.execute(lock, event_id)


async def test_a_connection_that_is_cut_is_unavailable_once_and_then_replaced(database, engines):
    assert await database.is_ready()

    async def cut_in_the_middle() -> None:
        async with database.transaction() as connection:
            pid = await connection.fetchval("select pg_backend_pid()")
            await asyncio.to_thread(engines.stack.postgres.run_sql, f"select pg_terminate_backend({pid});")
            await connection.fetchval("select 1")

    with pytest.raises(DatabaseUnavailable):
        await cut_in_the_middle()
    assert await database.is_ready()
    assert (await database.fetchrow("select 1 as one"))["one"] == 1


async def test_a_value_that_cannot_be_sent_is_our_bug_and_not_an_outage(database):
    with pytest.raises(asyncpg.DataError):
        await database.execute("insert into inbox (consumer, event_id) values ($1, $2)", 7, "not a uuid")


async def test_waiting_for_a_free_connection_has_an_end(database):
    async with database.transaction(), database.transaction():
        with pytest.raises(DatabaseUnavailable):
            await database.fetchrow("select 1")
