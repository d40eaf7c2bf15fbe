import asyncio
import json
import uuid

import httpx
import pytest

from fundline.platform.cache import open_cache
from fundline.platform.clock import utc_now
from fundline.records.cached import STATUS
from support.foreign_entries import FOREIGN, plant
from support.status_service import NO_TLS, STORY, follow, following, status_service, until

pytestmark = pytest.mark.integration
HITS = {"cache": "status", "result": "hit"}


async def get(instance, path: str, headers=None) -> httpx.Response:
    async with httpx.AsyncClient(base_url=instance.url, trust_env=False, verify=NO_TLS) as client:
        return await client.get(path, headers=headers)


async def test_an_owner_sees_where_the_application_stands_and_not_who_owns_it(
    settings, applications, headers
):
    application_id = await applications.submit("alice")
    await applications.move(application_id, "risk_scoring")
    async with status_service(settings) as instance:
        answers = [await get(instance, f"/v1/status/{application_id}", headers()) for _ in range(3)]
        first = answers[0].json()
        by_tracking_id = await get(instance, f"/v1/status/{first['trackingId'].lower()}", headers())
        assert {answer.content for answer in answers} == {by_tracking_id.content}
        assert set(first) == {"applicationId", "trackingId", "status", "sequence", "updatedAt", "metadata"}
        assert (first["applicationId"], first["status"], first["sequence"]) == (
            application_id,
            "risk_scoring",
            2,
        )
        assert first["metadata"] == {"step": "risk_scoring"}
        assert instance.value("fundline_cache_requests_total", **HITS) == 3
        assert instance.value("fundline_cache_requests_total", cache="status", result="miss") == 1


async def test_strangers_are_told_that_there_is_nothing_and_staff_see_everything(
    settings, applications, headers
):
    application_id = await applications.submit("alice")
    async with status_service(settings) as instance:
        for _from_database_then_cache in range(2):
            path = f"/v1/status/{application_id}"
            for caller in (headers("bob"), headers("alice2", "partner")):
                foreign = await get(instance, path, caller)
                unknown = await get(instance, f"/v1/status/{uuid.uuid4()}", caller)
                assert foreign.status_code == unknown.status_code == 404
                assert foreign.json() == unknown.json()
                assert foreign.json()["type"] == "urn:fundline:problem:application-not-found"
            for role in ("underwriter", "operator", "compliance"):
                assert (await get(instance, path, headers("staff", role))).status_code == 200
            assert (await get(instance, path)).status_code == 401
            assert (await get(instance, f"{path}?verbose=1", headers())).status_code == 422


@pytest.mark.parametrize("reference", ["FL-0000-0000-00000", "no such thing", "x" * 36, "%00", "a" * 5000])
async def test_an_id_that_is_none_is_not_found(settings, headers, reference):
    async with status_service(settings) as instance:
        for door in ("", "/events"):
            answer = await get(instance, f"/v1/status/{reference}{door}", headers())
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"


async def test_an_event_is_written_through_and_an_older_one_is_refused(settings, applications, headers):
    application_id = await applications.submit()
    await applications.move(application_id, *STORY)
    cache = await open_cache(settings)
    async with status_service(settings) as instance:
        await applications.publish()
        await until(lambda: instance.value("fundline_status_visible_seconds_count") == 4)
        stored = await cache.get(STATUS.key(application_id))
        assert stored.startswith(b"0000000004alice\0")
        assert not await cache.put_if_newer(STATUS.key(application_id), sequence=3, value=b"", ttl_s=60)
        answer = await get(instance, f"/v1/status/{application_id}", headers())
        assert answer.json()["status"] == "disbursed"
        assert instance.value("fundline_cache_requests_total", **HITS) == 1
    await cache.close()


async def test_an_event_that_was_long_on_its_way_begins_no_entry(settings, applications, headers, database):
    long_ago = utc_now().replace(year=2025)
    application_id = await applications.submit(at=long_ago)
    cache = await open_cache(settings)
    async with status_service(settings) as instance:
        await applications.publish()
        await until(lambda: instance.value("fundline_status_visible_seconds_count") == 1)
        assert await cache.get(STATUS.key(application_id)) is None
    await cache.close()


@pytest.mark.parametrize("kind", FOREIGN)
async def test_what_somebody_else_wrote_under_the_key_of_a_status_is_replaced(
    settings, applications, headers, kind
):
    application_id = await applications.submit()
    await plant(settings.cache_url, kind, STATUS.key(application_id))
    async with status_service(settings) as instance:
        for _ in range(2):
            answer = await get(instance, f"/v1/status/{application_id}", headers())
            assert answer.json()["status"] == "processing"
        assert instance.value("fundline_cache_requests_total", **(HITS | {"result": "foreign"})) == 1
        assert instance.value("fundline_cache_requests_total", **HITS) == 1


async def test_what_was_missed_while_the_cache_was_away_is_not_shown_for_the_rest_of_a_minute(
    settings, applications, headers, valkey
):
    """Found by filling the cache's disk: it came back with what it had, and showed that for up to a minute."""
    application_id = await applications.submit()
    async with status_service(settings.model_copy(update={"cache_timeout_ms": 100})) as instance:
        await get(instance, f"/v1/status/{application_id}", headers())
        valkey.freeze()
        await applications.move(application_id, *STORY)
        await applications.publish()
        failed = {"cache": "status", "result": "write_failed"}
        await until(lambda: instance.value("fundline_cache_requests_total", **failed) == 4)
        valkey.thaw()

        async def shows_the_end() -> bool:
            answer = await get(instance, f"/v1/status/{application_id}", headers())
            return bool(answer.json()["status"] == "disbursed")

        async with asyncio.timeout(20):  # an entry lives sixty seconds
            while not (
                await shows_the_end() and instance.value("fundline_cache_requests_total", **HITS) >= 1
            ):
                await asyncio.sleep(0.1)


@pytest.mark.parametrize("fault", ["kill", "freeze"])
async def test_without_the_cache_every_answer_comes_from_the_database(
    settings, applications, headers, valkey, fault
):
    application_id = await applications.submit()
    async with status_service(settings.model_copy(update={"cache_timeout_ms": 100})) as instance:
        assert (await get(instance, f"/v1/status/{application_id}", headers())).status_code == 200
        getattr(valkey, fault)()
        path, caller = f"/v1/status/{application_id}", headers()
        together = await asyncio.gather(*(get(instance, path, caller) for _ in range(30)))
        assert {answer.status_code for answer in together} == {200}
        await applications.move(application_id, "risk_scoring")
        await applications.publish()
        await until(lambda: instance.value("fundline_status_visible_seconds_count") == 2)
        answer = await get(instance, path, caller)
        assert answer.json()["status"] == "risk_scoring"
        failed = instance.value("fundline_cache_requests_total", cache="status", result="write_failed")
        assert failed == 2


async def test_two_instances_both_show_every_step_to_their_own_readers(settings, applications, headers):
    application_id = await applications.submit()
    async with status_service(settings) as one, status_service(settings, "status-service-2") as two:
        await asyncio.gather(one.assigned(), two.assigned())
        streams = [asyncio.create_task(follow(i.url, application_id, headers())) for i in (one, two, two)]
        await until(lambda: two.value("fundline_open_streams", kind="sse") == 2)
        for status in STORY:
            await applications.move(application_id, status)
            await applications.publish()
        for stream in await asyncio.gather(*streams):
            assert stream.sequences == [1, 2, 3, 4]
            assert stream.statuses == ["processing", *STORY]
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert stream.headers["x-accel-buffering"] == "no"
            assert stream.headers["cache-control"] == "no-store"
        assert one.value("fundline_open_streams", kind="sse") == 0
        written = "fundline_status_visible_seconds_count"  # the group shares the events, the fan-out does not
        await until(lambda: one.value(written) + two.value(written) == 4)


async def test_a_reader_resumes_after_the_last_event_it_has_seen(settings, applications, headers):
    application_id = await applications.submit()
    await applications.move(application_id, "risk_scoring", "approved")
    async with status_service(settings) as one, status_service(settings, "status-service-2") as two:
        await two.assigned()
        first = await follow(one.url, application_id, headers(), stop_after=2)
        assert first.sequences == [1, 2]
        resumed = headers(**{"Last-Event-ID": "2"})
        async with following(two.url, application_id, resumed) as (seen, task):
            await until(lambda: seen.sequences == [3])
            await applications.move(application_id, "disbursed")
            await applications.publish()
            assert (await task).sequences == [3, 4]
        done = await follow(two.url, application_id, headers(**{"Last-Event-ID": "4"}))
        assert (done.status_code, done.events) == (204, [])
        beyond = await follow(two.url, application_id, headers(**{"Last-Event-ID": "77"}))
        assert beyond.sequences == [1, 2, 3, 4]
        broken = await get(two, f"/v1/status/{application_id}/events", headers(**{"Last-Event-ID": "x"}))
        assert broken.status_code == 422
        assert broken.json()["errors"][0]["path"] == "Last-Event-ID"


async def test_replay_and_live_overlap_without_a_gap_or_a_repeat(settings, applications, headers):
    async def move_all() -> None:
        for status in STORY:
            for application_id in ids:
                await applications.move(application_id, status)
                await applications.publish()

    async with status_service(settings) as instance:
        await instance.assigned()
        ids = [await applications.submit() for _ in range(6)]
        mover = asyncio.create_task(move_all())
        readers = []
        for number, application_id in enumerate(ids * 3):
            readers.append(asyncio.create_task(follow(instance.url, application_id, headers())))
            await asyncio.sleep(0.003 * (number % 5))
        await mover
        streams = await asyncio.gather(*readers)
    assert [stream.sequences for stream in streams] == [[1, 2, 3, 4]] * len(readers)


async def test_a_gap_in_the_fan_out_is_filled_from_the_database(settings, applications, headers):
    application_id = await applications.submit()
    async with status_service(settings) as instance:
        await instance.assigned()
        async with following(instance.url, application_id, headers()) as (seen, _):
            await until(lambda: seen.sequences == [1])
            await applications.move(application_id, "risk_scoring", "approved")
            await applications.publish(lose=2)
            await until(lambda: seen.sequences == [1, 2, 3])


async def test_a_lost_message_does_not_leave_a_stream_behind(settings, applications, headers):
    application_id = await applications.submit()
    quick = settings.model_copy(update={"stream_catch_up_s": 0.1})
    async with (
        status_service(quick) as instance,
        following(instance.url, application_id, headers()) as (seen, task),
    ):
        await until(lambda: seen.sequences == [1])
        await applications.move(application_id, *STORY)
        assert (await task).sequences == [1, 2, 3, 4]


async def test_a_quiet_stream_is_kept_alive_and_a_reader_that_leaves_is_noticed(
    settings, applications, headers
):
    application_id = await applications.submit()
    async with status_service(settings) as instance:
        async with following(instance.url, application_id, headers()) as (seen, _):
            await until(lambda: seen.comments >= 2)
            assert instance.value("fundline_open_streams", kind="sse") == 1
        await until(lambda: instance.value("fundline_open_streams", kind="sse") == 0)


async def test_draining_ends_streams_at_once_and_later_ones_after_their_history(
    settings, applications, headers
):
    application_id = await applications.submit()
    async with status_service(settings) as instance:
        async with following(instance.url, application_id, headers()) as (seen, task):
            await until(lambda: seen.sequences == [1])
            instance.drain()
            assert (await task).sequences == [1]
        late = await follow(instance.url, application_id, headers())
        assert (late.status_code, late.sequences) == (200, [1])


async def test_too_many_streams_are_refused(settings, applications, headers):
    application_id = await applications.submit()
    narrow = settings.model_copy(update={"streams_limit": 1})
    async with (
        status_service(narrow) as instance,
        following(instance.url, application_id, headers()) as (seen, _),
    ):
        await until(lambda: seen.sequences == [1])
        answer = await get(instance, f"/v1/status/{application_id}/events", headers())
        assert answer.status_code == 503
        assert json.loads(answer.content)["type"] == "urn:fundline:problem:too-many-streams"
        assert answer.headers["retry-after"] == "2"
