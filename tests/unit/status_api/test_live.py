"""Streams without sockets: the real fan-out, feed and doors over a fake database and an ASGI client in memory."""

import asyncio
import uuid

import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.roles import Role
from fundline.platform.identity import Caller
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.status_api import store
from fundline.services.status_api.catch_up import FanOutFeed
from fundline.services.status_api.fan_out import End, FanOut, Subscription
from fundline.services.status_api.live import LiveStatus
from fundline.services.status_api.reading import References, StatusNotFound
from fundline.services.status_api.settings import Settings
from fundline.services.status_api.sse import EventsDoor
from support.status_fakes import FakeStatusDatabase

APPLICATION = str(uuid.UUID(int=7))
ALICE = Caller("alice", Role.APPLICANT)


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(
        database_url="postgresql://nowhere",
        cache_url="redis://nowhere",
        kafka_bootstrap="nowhere",
        jwks_file=tmp_path,
        stream_heartbeat_s=0.05,
        stream_send_timeout_s=0.05,
    )


@pytest.fixture
def database() -> FakeStatusDatabase:
    made = FakeStatusDatabase()
    made.move(APPLICATION, "processing", "risk_scoring")
    return made


@pytest.fixture
async def fan_out() -> FanOut:
    return FanOut(queue_limit=3, streams_limit=10)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
def live(database, fan_out, settings, metrics) -> LiveStatus:
    return LiveStatus(database, fan_out, References(database), settings, metrics)


async def changes(database: FakeStatusDatabase, first: int = 1):
    return await store.history(database, APPLICATION, first)


async def take(feed, count: int) -> list[int]:
    return [(await feed.next_change()).sequence for _ in range(count)]


async def test_what_arrives_before_the_replay_is_read_is_not_sent_twice(live, database, fan_out):
    database.gate.clear()

    async def read_all() -> list[int]:
        async with live.follow(APPLICATION, ALICE, last=0, kind="sse") as feed:
            sequences = await take(feed, 4)
            assert feed.end is End.FINAL
            return sequences

    reading = asyncio.create_task(read_all())
    await asyncio.sleep(0.01)
    database.move(APPLICATION, "approved", "disbursed")
    database.gate.set()
    for change in await changes(database):
        fan_out.publish(change)
    assert await reading == [1, 2, 3, 4]


async def test_a_live_gap_is_filled_and_the_late_part_of_it_is_dropped(live, database, fan_out):
    async with live.follow(APPLICATION, ALICE, last=2, kind="sse") as feed:
        database.move(APPLICATION, "pending_review", "approved", "disbursed")
        third, fourth, fifth = await changes(database, 3)
        for change in (fourth, third, fourth, fifth):
            fan_out.publish(change)
        assert await take(feed, 3) == [3, 4, 5]


async def test_nobody_else_can_follow_and_nothing_stays_behind(live, fan_out):
    with pytest.raises(StatusNotFound):
        async with live.follow(APPLICATION, Caller("bob", Role.PARTNER), last=0, kind="sse"):
            pass
    assert fan_out.open_streams == 0
    assert fan_out.newest_of_open() == {}


async def test_a_full_queue_ends_the_stream_and_forgets_what_waited(database):
    database.move(APPLICATION, "pending_review", "approved")
    subscription = Subscription(APPLICATION, limit=3)
    for change in await changes(database):
        subscription.offer(change)
    assert subscription.end is End.TOO_SLOW
    assert await subscription.take(1) is None


async def test_what_waits_is_still_given_out_when_draining_begins(database, fan_out):
    subscription = fan_out.subscribe(APPLICATION)
    fan_out.publish((await changes(database))[0])
    fan_out.drain()
    assert (await subscription.take(1)).sequence == 1
    assert await subscription.take(1) is None
    assert subscription.end is End.DRAINING


async def test_catching_up_reaches_every_open_stream_in_batches(database, fan_out, settings):
    wide = FanOut(queue_limit=3, streams_limit=5000)
    ids = [str(uuid.UUID(int=number)) for number in range(1, 1202)]
    open_now = [wide.subscribe(application_id) for application_id in ids]
    for application_id in ids[::400]:
        database.move(application_id, "processing")
    behind = FanOutFeed(database, wide, settings)
    assert (
        await behind.catch_up() == 4 + 2
    )  # APPLICATION, number 7, has two already, and is not one of the four
    assert database.reads == 3
    assert sum(subscription.newest for subscription in open_now) == 4 + 2
    assert await behind.catch_up() == 0


class Door:
    """An HTTP client in memory whose reading can be stopped."""

    def __init__(self, live: LiveStatus, settings: Settings) -> None:
        class Tokens:
            def caller(self, *_: object, **__: object) -> Caller:
                return ALICE

        self._door = EventsDoor(live, Tokens(), settings)
        self.body = b""
        self.reads = asyncio.Event()
        self.reads.set()
        self.left = asyncio.Event()

    async def get(self) -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "path": f"/v1/status/{APPLICATION}/events",
            "query_string": b"",
            "headers": [],
            "path_params": {"id": APPLICATION},
        }
        await self._door(scope, self._receive, self._send)

    async def _receive(self):
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message) -> None:
        await self.reads.wait()
        self.body += message.get("body", b"")


async def test_a_reader_that_takes_nothing_is_let_go_and_counted(live, settings, metrics, fan_out):
    door = Door(live, settings)
    reading = asyncio.create_task(door.get())
    while b"id: 2" not in door.body:
        await asyncio.sleep(0)
    door.reads.clear()
    await reading
    assert metrics.registry.get_sample_value("fundline_stream_overflows_total") == 1
    assert fan_out.open_streams == 0


async def test_a_reader_that_has_left_is_noticed_at_the_next_heartbeat(live, settings, metrics, fan_out):
    door = Door(live, settings)
    reading = asyncio.create_task(door.get())
    while b": alive" not in door.body:
        await asyncio.sleep(0.01)
    door.left.set()
    await reading
    assert fan_out.open_streams == 0
    assert metrics.registry.get_sample_value("fundline_stream_overflows_total") == 0


async def test_the_stream_has_the_form_of_server_sent_events(live, settings, database, fan_out):
    door = Door(live, settings)
    database.move(APPLICATION, "rejected")
    await door.get()
    blocks = door.body.split(b"\n\n")
    assert blocks[0] == b"retry: 1000"
    assert blocks[1].startswith(b'id: 1\nevent: status\ndata: {"applicationId":"')
    assert blocks[3].startswith(b"id: 3\n")
    assert blocks[4] == b""
