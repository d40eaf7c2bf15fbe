import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator

import pytest

from fundline.platform.cache import Cache, CacheUnavailable, open_cache, without_version
from fundline.platform.settings import CacheSettings
from fundline.records.cached import STATUS
from support.foreign_entries import OTHER_TYPES, plant
from support.small_disk import small_disk
from support.valkey import OwnValkey

pytestmark = pytest.mark.integration
PATIENT_MS = 3000
"""For what does not test the timeout: a busy machine must not look like a cache that is away."""


@pytest.fixture
async def cache(valkey) -> AsyncIterator[Cache]:
    opened = await open_cache(CacheSettings(cache_url=valkey.url, cache_timeout_ms=PATIENT_MS))
    yield opened
    await opened.close()


@pytest.fixture
def key() -> str:
    return STATUS.key(uuid.uuid4())


async def until_it_answers(cache: Cache) -> None:
    async with asyncio.timeout(30):
        while not await cache.is_ready():
            await asyncio.sleep(0.01)


async def test_an_older_write_never_replaces_a_newer_one(cache, key):
    assert await cache.put_if_newer(key, sequence=3, value=b"third", ttl_s=60)
    assert not await cache.put_if_newer(key, sequence=2, value=b"second", ttl_s=60)
    assert not await cache.put_if_newer(key, sequence=3, value=b"third again", ttl_s=60)
    assert without_version(await cache.get(key)) == b"third"
    assert await cache.put_if_newer(key, sequence=10, value=b"tenth", ttl_s=60)
    assert without_version(await cache.get(key)) == b"tenth"


async def test_writes_that_race_leave_the_newest(cache, key):
    sequences = [*range(1, 41)]
    await asyncio.gather(
        *(cache.put_if_newer(key, sequence=n, value=b"%d" % n, ttl_s=60) for n in sequences[::-1] + sequences)
    )
    assert without_version(await cache.get(key)) == b"40"


async def test_news_that_may_be_overtaken_replaces_but_does_not_begin(cache, key):
    assert not await cache.put_if_newer(key, sequence=2, value=b"two", ttl_s=60, only_existing=True)
    assert await cache.get(key) is None
    await cache.put_if_newer(key, sequence=1, value=b"one", ttl_s=60)
    assert await cache.put_if_newer(key, sequence=2, value=b"two", ttl_s=60, only_existing=True)


async def test_a_value_without_a_version_is_replaced(cache, key):
    await cache.put(key, b"written by hand", ttl_s=60)
    assert await cache.put_if_newer(key, sequence=1, value=b"ours", ttl_s=60)


async def test_a_value_goes_with_its_time_and_with_delete(cache, valkey, key):
    await cache.put(key, b"short", ttl_s=60)
    assert await cache.get(key) == b"short"
    await cache.delete(key)
    assert await cache.get(key) is None


async def test_the_script_is_loaded_again_when_the_server_has_forgotten_it(cache, valkey, key):
    await cache.put_if_newer(key, sequence=1, value=b"one", ttl_s=60)
    valkey.kill()
    await valkey.start()
    await until_it_answers(cache)
    assert await cache.put_if_newer(key, sequence=2, value=b"two", ttl_s=60)


async def test_a_thousand_calls_at_once_each_get_their_own_answer(cache, key):
    async def own(number: int) -> bool:
        return await cache.get(f"{key}-{number}") == b"%d" % number

    await asyncio.gather(*(cache.put(f"{key}-{n}", b"%d" % n, ttl_s=60) for n in range(16)))
    assert all(await asyncio.gather(*(own(n % 16) for n in range(1000))))


async def test_a_killed_cache_is_unavailable_and_comes_back_by_itself(cache, valkey, key):
    valkey.kill()
    with pytest.raises(CacheUnavailable):
        await cache.get(key)
    with pytest.raises(CacheUnavailable):
        await cache.put_if_newer(key, sequence=1, value=b"one", ttl_s=60)
    assert not await cache.is_ready()
    await valkey.start()
    await until_it_answers(cache)
    await cache.put(key, b"back", ttl_s=60)
    assert await cache.get(key) == b"back"


async def test_a_frozen_cache_costs_one_timeout_and_then_calls_fail_without_waiting(valkey, key):
    cache = await open_cache(CacheSettings(cache_url=valkey.url))
    await until_it_answers(cache)
    valkey.freeze()
    results = await asyncio.gather(*(cache.get(key) for _ in range(50)), return_exceptions=True)
    assert {type(result) for result in results} == {CacheUnavailable}
    with pytest.raises(CacheUnavailable, match="no connection"):
        await cache.get(key)
    valkey.thaw()
    await until_it_answers(cache)
    await cache.close()


async def test_a_cancelled_call_does_not_shift_the_answers_of_the_others(cache, key):
    await asyncio.gather(*(cache.put(f"{key}-{n}", b"%d" % n, ttl_s=60) for n in range(10)))
    calls = [asyncio.create_task(cache.get(f"{key}-{n}")) for n in range(10)]
    await asyncio.sleep(0)
    for call in calls[::3]:
        call.cancel()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [r for n, r in enumerate(results) if n % 3] == [b"%d" % n for n in range(10) if n % 3]


async def test_a_process_starts_without_its_cache(tmp_path):
    absent = OwnValkey(tmp_path)
    cache = await open_cache(CacheSettings(cache_url=absent.url))
    assert not await cache.is_ready()
    await absent.start()
    await until_it_answers(cache)
    await cache.close()
    absent.kill()


@pytest.mark.parametrize("kind", OTHER_TYPES)
async def test_an_entry_that_somebody_made_another_type_reads_as_nothing_of_ours_and_is_replaced(
    cache, valkey, key, kind
):
    """Incident: a list under `status:{id}` was an error for ever, to readers and to writers."""
    await plant(valkey.url, kind, key)
    assert await cache.get(key) == b""
    assert not await cache.put_if_newer(key, sequence=1, value=b"old news", ttl_s=60, only_existing=True)
    assert await cache.get(key) is None
    await plant(valkey.url, kind, key)
    assert await cache.put_if_newer(key, sequence=1, value=b"ours", ttl_s=60)
    assert without_version(await cache.get(key)) == b"ours"
    await plant(valkey.url, kind, key)
    await cache.put(key, b"whole", ttl_s=60)
    assert await cache.get(key) == b"whole"


async def test_a_cache_that_cannot_write_its_file_is_away_until_it_can(tmp_path, key):
    """It goes on reading then: what it shows would be over, and nobody could put it right."""
    valkey = OwnValkey(tmp_path)
    with small_disk(tmp_path / "data" / "valkey", 8) as disk:
        await valkey.start()
        cache = await open_cache(CacheSettings(cache_url=valkey.url, cache_timeout_ms=PATIENT_MS))
        await until_it_answers(cache)
        await cache.put(key, b"before", ttl_s=600)
        disk.fill()
        async with asyncio.timeout(20):
            while await cache.is_ready():
                with contextlib.suppress(CacheUnavailable):
                    await cache.put(f"{key}-more", b"x" * 100_000, ttl_s=600)
                await asyncio.sleep(0.05)
        with pytest.raises(CacheUnavailable):
            await cache.get(key)
        disk.free()
        await until_it_answers(cache)
        assert await cache.get(key) == b"before"
        await cache.put(key, b"after", ttl_s=600)
        await cache.close()
        valkey.kill()
