import asyncio
import contextlib
import json
import uuid

import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.payloads import ApplicationCreated
from fundline.contracts.topics import APPLICATIONS_CREATED
from fundline.platform.database import Candidate, Database
from fundline.platform.database.outbox import outbox_row, store_events
from fundline.platform.kafka.producer import EventProducer, PublishFailed
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.event_router.housekeeping import Housekeeping
from fundline.services.event_router.relay import Relay
from fundline.services.event_router.settings import Settings
from support.kafka import AT, read_all

pytestmark = pytest.mark.integration
TOPIC = APPLICATIONS_CREATED.name


@pytest.fixture
def settings(engines, database_url, topic_prefix) -> Settings:
    return Settings(
        database_url=database_url,
        kafka_bootstrap=engines.bootstrap,
        kafka_dialect=engines.kafka_dialect,
        topic_prefix=topic_prefix,
        database_pool_size=4,
        router_standby_poll_ms=50,
    )


def event(key: uuid.UUID, number: int):
    payload = ApplicationCreated(
        application_id=key, user_id=str(number), amount="1.00", currency="USD", timestamp=AT
    )
    return outbox_row(APPLICATIONS_CREATED, payload, key=key, event_id=uuid.uuid4(), source="tests", at=AT)


async def store(database: Database, *events) -> None:
    async with database.transaction() as connection:
        await store_events(connection, events)


class OneLane:
    def topic_of(self, topic: str, _payload: str) -> str:
        return topic


def relay(settings: Settings, lanes=None) -> Relay:
    return Relay(settings, EventProducer(settings), lanes or OneLane(), Metrics(CollectorRegistry()))


@contextlib.asynccontextmanager
async def running(*relays: Relay):
    stop = asyncio.Event()
    tasks = [asyncio.create_task(each.run(stop)) for each in relays]
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.gather(*tasks)


def arrived(settings: Settings, wait_for: int) -> list:
    return read_all(settings.kafka_bootstrap, settings.topic_prefix + TOPIC, wait_for=wait_for)


async def left(database: Database) -> int:
    return (await database.fetchrow("select count(*) as n from outbox"))["n"]


async def test_an_event_travels_with_its_envelope_and_leaves_the_outbox(settings, database):
    key = uuid.uuid4()
    await store(database, event(key, 1))
    async with running(relay(settings)):
        (message,) = await asyncio.to_thread(arrived, settings, 1)
    assert message.key == str(key)
    assert json.loads(message.value)["applicationId"] == str(key)
    assert message.headers["ce_specversion"] == "1.0"
    assert message.headers["ce_type"] == "fundline.applications.created.v1"
    assert message.headers["ce_source"] == "/fundline/tests"
    assert await left(database) == 0


async def test_a_late_commit_is_not_skipped(settings, database, owner):
    """The late one waits on a connection without the pool's time-outs: reading Kafka took longer on a busy machine."""
    early, late = uuid.uuid4(), uuid.uuid4()
    async with running(relay(settings)):
        async with owner.transaction():
            await store_events(owner, [event(late, 1)])
            await store(database, event(early, 2))
            first = await asyncio.to_thread(arrived, settings, 1)
        both = await asyncio.to_thread(arrived, settings, 2)
    assert [message.key for message in first] == [str(early)]
    assert {message.key for message in both} == {str(early), str(late)}


async def test_a_row_that_a_leader_before_still_holds_does_not_hold_up_the_others(settings, database, owner):
    held, free = uuid.uuid4(), uuid.uuid4()
    await store(database, event(held, 1), event(free, 1))
    async with owner.transaction():
        await owner.execute("select 1 from outbox where key = $1 for update", held)
        async with running(relay(settings)):
            first = await asyncio.to_thread(arrived, settings, 1)
    assert [message.key for message in first] == [str(free)]
    assert await left(database) == 1


async def test_each_applications_events_keep_their_order_over_batches_and_relays(settings, database):
    small = settings.model_copy(update={"router_batch": 7})
    keys = [uuid.uuid4() for _ in range(5)]
    for number in range(20):
        await asyncio.gather(*(store(database, event(key, number)) for key in keys))
    async with running(relay(small), relay(small)):
        messages = await asyncio.to_thread(arrived, small, 100)
    for key in keys:
        order = [int(json.loads(m.value)["userId"]) for m in messages if m.key == str(key)]
        assert order == list(range(20))


async def test_one_relay_leads_and_another_takes_over_when_its_connection_dies(settings, database):
    first, second = relay(settings), relay(settings)
    async with running(first, second):
        async with asyncio.timeout(30):
            while first.is_leading == second.is_leading:
                await asyncio.sleep(0.01)
        leader, standby = (first, second) if first.is_leading else (second, first)
        leader._candidate.resign()
        await store(database, event(uuid.uuid4(), 1))
        assert len(await asyncio.to_thread(arrived, settings, 1)) == 1
        assert leader.is_leading != standby.is_leading


async def test_what_kafka_has_not_acknowledged_stays_in_the_outbox(settings, database):
    await store(database, event(uuid.uuid4(), 1))

    class Refusing:
        def publish(self, batch):
            raise PublishFailed("Kafka is away")

    candidate = Candidate(settings, settings.router_lock_id)
    connection = await candidate.try_to_lead()
    with pytest.raises(PublishFailed):
        await Relay(settings, Refusing(), OneLane(), Metrics(CollectorRegistry())).move_batch(connection)
    candidate.resign()
    assert await left(database) == 1
    async with running(relay(settings)):
        assert len(await asyncio.to_thread(arrived, settings, 1)) == 1
    assert await left(database) == 0


async def test_housekeeping_forgets_only_what_has_served_its_time(settings, database):
    for days in (0, 13, 15):
        await database.execute(
            "insert into inbox values ('c', gen_random_uuid(), now() - make_interval(days => $1))", days
        )
    for hours in (0, 25, 49):
        await database.execute(
            "insert into idempotency_keys"
            " values ('a', $1::int::text, '\\x00', 202, '{}', now() - make_interval(hours => $1))",
            hours,
        )
    await Housekeeping(settings, database, lambda: True).tidy()
    row = await database.fetchrow(
        "select (select count(*) from inbox) i, (select count(*) from idempotency_keys) k"
    )
    assert dict(row) == {"i": 2, "k": 2}
