"""A leader that stands still at any step of PostgreSQL's protocol is followed, and does nothing when it wakes.

The incident: a router was stopped within its first statement. Its backend waited for the next message of the extended
protocol, where neither statement_timeout nor an idle time-out ends it, and the outbox was kept until it woke.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from fundline.platform.database import Candidate, Database, LeaderConnection, translated
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import DatabaseSettings
from support.freezing_proxy import FreezingProxy, freezing_proxy

pytestmark = pytest.mark.integration
AT_ONCE = 8
WORK = "insert into inbox (consumer, event_id, handled_at) values ($1, $2, now())"
DONE = "select count(*) from inbox where consumer = $1"


@pytest.fixture
def settings(database_url) -> DatabaseSettings:
    return DatabaseSettings(database_url=database_url, database_leader_silence_ms=1000)


@contextlib.asynccontextmanager
async def behind_a_proxy(settings: DatabaseSettings) -> AsyncIterator[tuple[DatabaseSettings, FreezingProxy]]:
    address = settings.database_url.rpartition("@")[2].partition("/")[0]
    host, _, port = address.partition(":")
    async with freezing_proxy(host, int(port)) as proxy:
        url = settings.database_url.replace(f":{port}/", f":{proxy.listens_on}/")
        yield settings.model_copy(update={"database_url": url}), proxy


@dataclass
class Instance:
    """Leads when it can, and each time stores a row under `name`, in two statements of one transaction."""

    name: str
    candidate: Candidate

    async def turn(self) -> bool:
        connection = await self.candidate.try_to_lead()
        if connection is None:
            return False
        async with translated(), connection.transaction():
            await connection.fetchval("select pg_advisory_xact_lock_shared($1)", 1)
            await connection.execute(WORK, self.name, uuid.uuid4())
        return True

    async def done(self, database: Database) -> int:
        (row,) = await database.fetch(DONE, self.name)
        return int(row["count"])


async def leads(instance: Instance) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(Unavailable):
                if await instance.turn():
                    return
            await asyncio.sleep(0.05)


async def messages_of_a_term(settings: DatabaseSettings) -> list[str]:
    async with behind_a_proxy(settings) as (own, proxy):
        candidate = Candidate(own, 4_000)
        assert await Instance("count", candidate).turn()
        candidate.resign()
        return list(proxy.seen)


async def freeze_once(settings: DatabaseSettings, database: Database, step: int, *, within: bool) -> None:
    lock_id = 5_000 + 2 * step + within
    async with behind_a_proxy(settings) as (own, proxy):
        frozen = Instance(f"frozen {lock_id}", Candidate(own, lock_id))
        follower = Instance(f"follower {lock_id}", Candidate(settings, lock_id))
        proxy.freeze_after(step, within=within)
        term = asyncio.create_task(frozen.turn())
        await asyncio.wait_for(proxy.frozen.wait(), 60)
        await leads(follower)
        before = await frozen.done(database)
        proxy.thaw()
        with contextlib.suppress(Unavailable):
            await asyncio.wait_for(term, 60)
        with contextlib.suppress(Unavailable):
            assert not await frozen.turn(), f"two leaders after step {step}"
        assert await frozen.done(database) == before, f"it worked on after step {step}"
        assert await follower.turn()
        for instance in (frozen, follower):
            instance.candidate.resign()


async def test_a_leader_frozen_behind_or_within_any_message_is_followed_and_does_nothing_when_it_wakes(
    settings, database
):
    term = await messages_of_a_term(settings)
    assert {"startup", "Q", "P", "B", "E", "S"} <= set(term)
    places = asyncio.Semaphore(AT_ONCE)

    async def one(step: int, *, within: bool) -> None:
        async with places:
            await freeze_once(settings, database, step, within=within)

    async with asyncio.TaskGroup() as trials:
        for step in range(1, len(term) + 1):
            trials.create_task(one(step, within=False))
            trials.create_task(one(step, within=True))


async def test_a_leader_that_reads_nothing_of_a_long_answer_is_followed(settings):
    """Its backend waits to write, where not even transaction_timeout ends it."""
    async with behind_a_proxy(settings) as (own, proxy):
        frozen, follower = Candidate(own, 4_001), Candidate(settings, 4_001)
        connection = await frozen.try_to_lead()
        assert connection is not None
        proxy.freeze_after(6)  # the whole question has gone: P, D, H, B, E, S
        reading = asyncio.create_task(
            connection.fetch("select repeat('x', 1000000) from generate_series(1, $1::int)", 50)
        )
        await leads(Instance("follower", follower))
        proxy.thaw()
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InternalClientError)):
            await asyncio.wait_for(reading, 60)
        frozen.resign()
        follower.resign()


async def test_a_leader_that_waits_long_within_its_transaction_stays_the_leader(settings, database):
    """Kafka may be away for ten seconds: the pulse goes on beside the work."""
    leader, other = Instance("leader", Candidate(settings, 4_002)), Candidate(settings, 4_002)
    connection = await leader.candidate.try_to_lead()
    assert connection is not None
    async with translated(), connection.transaction():
        await connection.execute(WORK, leader.name, uuid.uuid4())
        for _ in range(30):
            assert await other.try_to_lead() is None
            await asyncio.sleep(settings.database_leader_silence_ms / 1000 / 10)
    assert await leader.done(database) == 1
    leader.candidate.resign()
    other.resign()


async def test_who_loses_the_pulse_loses_the_transaction_under_way(settings, database):
    leader = Instance("leader", Candidate(settings, 4_003))
    connection = await leader.candidate.try_to_lead()
    assert connection is not None
    losing = work_until_lost(leader, connection, database)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(losing, 60)
    assert await leader.done(database) == 0
    await leads(leader)
    leader.candidate.resign()


async def work_until_lost(leader: Instance, connection: LeaderConnection, database: Database) -> None:
    async with translated(), connection.transaction():
        await connection.execute(WORK, leader.name, uuid.uuid4())
        await database.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like $1",
            "% pulse 4003",
        )
        while not connection.is_closed():
            await asyncio.sleep(0.01)


async def test_a_frozen_process_keeps_no_row_for_longer_than_a_transaction_may_last(database, settings):
    """The same fault, of a pool's connection: it waits within the extended protocol and holds the lock of a row."""
    async with database.transaction() as connection:
        assert await connection.fetchval("show transaction_timeout") == "30s"
