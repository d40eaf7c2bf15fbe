import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from fundline.platform.database import (
    Database,
    DatabaseBusy,
    DatabaseUnavailable,
    RowBusy,
    UniqueRule,
    open_database,
)
from fundline.platform.database.inbox import first_time
from fundline.platform.database.sql import Sql
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


async def test_a_locked_table_is_busy_and_no_row_of_it(database):
    async with database.transaction() as connection:
        await connection.execute("lock table inbox in access exclusive mode")
        for sql in (
            "select count(*) from inbox",
            "insert into inbox (consumer, event_id) values ('c', gen_random_uuid())",
            "delete from inbox",
        ):
            with pytest.raises(DatabaseBusy) as busy:
                await database.execute(sql)
            assert type(busy.value) is DatabaseBusy


async def test_a_key_that_another_transaction_has_inserted_is_a_row_that_is_busy(database):
    insert = "insert into inbox (consumer, event_id) values ('c', $1) on conflict do nothing"
    event_id = uuid.uuid4()
    async with database.transaction() as connection:
        await connection.execute(insert, event_id)
        with pytest.raises(RowBusy):
            await database.execute(insert, event_id)


async def test_two_transactions_in_each_others_way_are_busy(database):
    """A deadlock: the server rolls one of them back, and the same again succeeds."""
    first, second = uuid.uuid4(), uuid.uuid4()
    await database.execute(
        "insert into inbox (consumer, event_id) values ('c', $1), ('c', $2)", first, second
    )
    has_first, has_second = asyncio.Event(), asyncio.Event()
    lock = "select 1 from inbox where event_id = $1 for update"

    async def take(mine, theirs, have, wait_for):
        async with database.transaction() as connection:
            await connection.execute("set local lock_timeout = 0")
            await connection.execute(lock, mine)
            have.set()
            await wait_for.wait()
            await connection.execute(lock, theirs)

    ends = await asyncio.gather(
        take(first, second, has_first, has_second),
        take(second, first, has_second, has_first),
        return_exceptions=True,
    )
    assert sorted(type(end).__name__ for end in ends) == ["DatabaseBusy", "NoneType"]


async def test_a_pool_that_is_closed_or_closing_is_away(database_url):
    closed = await open_database(DatabaseSettings(database_url=database_url, database_pool_size=1))
    async with asyncio.TaskGroup() as group:
        async with closed.transaction():
            closing = group.create_task(closed.close())
            await asyncio.sleep(0)
            with pytest.raises(DatabaseUnavailable):
                await closed.execute("select 1")
        await closing
    with pytest.raises(DatabaseUnavailable):
        await closed.execute("select 1")
    assert not await closed.is_ready()


async def test_a_connection_that_is_cut_before_the_end_of_the_transaction_is_away(database, engines):
    async def cut_at_the_end(error: Exception | None) -> None:
        async with database.transaction() as connection:
            pid = await connection.fetchval("select pg_backend_pid()")
            await asyncio.to_thread(engines.stack.postgres.run_sql, f"select pg_terminate_backend({pid});")
            while not connection.is_closed():
                await asyncio.sleep(0.01)
            if error is not None:
                raise error

    for error in (None, LookupError("of the use case")):
        with pytest.raises(DatabaseUnavailable):
            await cut_at_the_end(error)


async def test_a_call_that_is_cancelled_while_it_waits_for_a_lock_leaves_the_pool_whole(database):
    async with database.transaction() as connection:
        await connection.execute("lock table inbox in access exclusive mode")
        waiting = asyncio.create_task(database.fetch("select * from inbox"))
        await asyncio.sleep(0.02)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    for _ in range(3):
        assert await database.fetch("select * from inbox") == []


async def test_a_login_that_is_refused_is_away_and_no_bug_of_the_message(database_url):
    refused = database_url.replace("://", "://nobody_", 1)
    with pytest.raises(DatabaseUnavailable):
        await open_database(DatabaseSettings(database_url=refused))


async def test_an_event_is_new_once_for_each_consumer_and_stays_new_when_its_effect_is_rolled_back(database):
    """An inbox that called every event new survived: the states of payments refuse a repetition as well."""
    event_id = uuid.uuid4()

    async def is_new(consumer: str, effect: Exception | None = None) -> bool:
        async with database.transaction() as connection:
            is_first = await first_time(connection, consumer=consumer, event_id=event_id)
            if effect is not None:
                raise effect
            return is_first

    with pytest.raises(RuntimeError, match="the effect failed"):
        await is_new("a", RuntimeError("the effect failed"))
    assert [await is_new("a"), await is_new("a"), await is_new("b")] == [True, False, True]


async def test_a_statement_with_names_means_on_the_server_what_it_means_to_read(database):
    statement = Sql("""
        select ':a' as literal, $$ :a $$ as quoted, E'\\':a' as escaped, /* :x /* :y */ */ :a::int + :b as total -- :c
             , (array[1, 2, 3])[1:2] as slice, (array[1, 2, 3])[:b : :a] as named_slice
    """)
    row = await database.fetchrow(*statement(b=2, a=3))
    assert dict(row) == {
        "literal": ":a",
        "quoted": " :a ",
        "escaped": "':a",
        "total": 5,
        "slice": [1, 2],
        "named_slice": [2, 3],
    }
