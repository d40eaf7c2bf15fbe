import asyncio
import uuid

import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.roles import Role
from fundline.platform.identity import Caller
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.status_api.reading import References, StatusNotFound, StatusReading
from support.status_fakes import FakeStatusDatabase, ForgetfulCache

APPLICATION = str(uuid.UUID(int=7))
ALICE = Caller("alice", Role.APPLICANT)


@pytest.fixture
def database() -> FakeStatusDatabase:
    made = FakeStatusDatabase()
    made.move(APPLICATION, "processing")
    return made


@pytest.fixture
def cache() -> ForgetfulCache:
    return ForgetfulCache()


@pytest.fixture
def reading(database, cache) -> StatusReading:
    return StatusReading(database, cache, References(database), Metrics(CollectorRegistry()), cached_s=60)


async def test_callers_that_miss_together_share_one_read(reading, database):
    database.gate.clear()
    asked = [asyncio.create_task(reading.status(APPLICATION, ALICE)) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    database.gate.set()
    assert len(set(await asyncio.gather(*asked))) == 1
    assert database.reads == 1


async def test_a_caller_that_leaves_does_not_end_the_read_of_the_others(reading, database):
    database.gate.clear()
    first = asyncio.create_task(reading.status(APPLICATION, ALICE))
    second = asyncio.create_task(reading.status(APPLICATION, ALICE))
    await asyncio.sleep(0.01)
    first.cancel()
    database.gate.set()
    assert b'"processing"' in await second
    assert database.reads == 1


async def test_a_refill_is_kept_with_owner_and_sequence(reading, cache):
    await reading.status(APPLICATION, ALICE)
    ((key, sequence, value),) = cache.writes
    assert (key, sequence) == (f"status:{APPLICATION}", 1)
    assert value.startswith(b"alice\0{")


async def test_a_shared_read_is_authorised_for_each_caller(reading):
    results = await asyncio.gather(
        reading.status(APPLICATION, ALICE),
        reading.status(APPLICATION, Caller("bob", Role.APPLICANT)),
        reading.status(APPLICATION, Caller("bob", Role.COMPLIANCE)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [bytes, StatusNotFound, bytes]


async def test_a_cached_value_that_is_not_ours_is_a_miss(reading, cache, database):
    cache.stored[f"status:{APPLICATION}"] = b"0000000001{}"
    assert b'"processing"' in await reading.status(APPLICATION, ALICE)
    assert database.reads == 1


@pytest.mark.parametrize(
    "reference",
    [APPLICATION.upper(), "fl-0000-0000-00000".replace("fl", "FL")],
)
async def test_ids_may_be_written_in_either_case(reading, database, reference):
    database.tracking_ids["FL-0000-0000-00000"] = APPLICATION
    assert b'"processing"' in await reading.status(reference, ALICE)
    assert b'"processing"' in await reading.status(reference.lower(), ALICE)
