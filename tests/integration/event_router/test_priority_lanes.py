"""Two lanes: the router chooses by a rule in the database, and a flood in one of them does not hold up the other."""

import asyncio
import dataclasses
import uuid
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.envelope import make_envelope
from fundline.contracts.payloads import Payload, RiskScoringRequested
from fundline.contracts.topics import (
    APPLICATIONS_CREATED,
    RISK_SCORING_REQUESTED,
    RISK_SCORING_REQUESTED_EXPRESS,
    Group,
    Topic,
)
from fundline.platform.database import Database
from fundline.platform.database.outbox import outbox_row, store_events
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.messages import Event, Poison, Subscription
from fundline.platform.kafka.producer import EventProducer, Outgoing
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.event_router.lanes import Lanes
from fundline.services.event_router.relay import Relay
from fundline.services.event_router.settings import Settings
from support.kafka import AT, created_event, read_all, running

pytestmark = pytest.mark.integration
STANDARD, EXPRESS = RISK_SCORING_REQUESTED, RISK_SCORING_REQUESTED_EXPRESS
FLOOD = 200


@pytest.fixture
def settings(engines, database_url, topic_prefix) -> Settings:
    return Settings(
        database_url=database_url,
        kafka_bootstrap=engines.bootstrap,
        kafka_dialect=engines.kafka_dialect,
        topic_prefix=topic_prefix,
        lanes_every_s=0.05,
    )


def asking(key: uuid.UUID, amount: str, currency: str = "USD") -> RiskScoringRequested:
    return RiskScoringRequested(application_id=key, amount=amount, currency=currency, timestamp=AT)


async def store(database: Database, payload: Payload, key: uuid.UUID) -> None:
    row = outbox_row(STANDARD, payload, key=key, event_id=uuid.uuid4(), source="tests", at=AT)
    async with database.transaction() as connection:
        await store_events(connection, [row])


async def keys_in(settings: Settings, topic: Topic, wait_for: int) -> set[str]:
    found = await asyncio.to_thread(
        read_all, settings.kafka_bootstrap, settings.topic_prefix + topic.name, wait_for=wait_for
    )
    return {message.key for message in found}


async def test_the_router_sends_small_amounts_to_the_express_lane_and_the_rest_to_the_standard_lane(
    settings, database
):
    small, large, strange = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    await store(database, asking(small, "50000.00"), small)
    await store(database, asking(large, "50000.01"), large)
    await store(database, asking(strange, "1.00", "CHF"), strange)
    lanes = Lanes(database, every_s=1)
    await lanes.refresh()
    async with running(Relay(settings, EventProducer(settings), lanes, Metrics(CollectorRegistry()))):
        assert await keys_in(settings, EXPRESS, 1) == {str(small)}
        assert await keys_in(settings, STANDARD, 2) == {str(large), str(strange)}


async def test_a_changed_rule_is_followed_without_a_restart(engines, settings, database, database_url):
    key = uuid.uuid4()
    lanes = Lanes(database, every_s=0.05)
    await lanes.refresh()
    relay = Relay(settings, EventProducer(settings), lanes, Metrics(CollectorRegistry()))
    async with running(relay, lanes):
        engines.stack.postgres.run_sql(
            "update scoring_lanes set express_up_to_minor = 100000000 where currency = 'USD';",
            database=database_url.rsplit("/", 1)[1],
        )
        async with asyncio.timeout(30):
            while lanes.topic_of(STANDARD.name, asking(key, "900000.00").wire().decode()) == STANDARD.name:
                await asyncio.sleep(0.02)
        await store(database, asking(key, "900000.00"), key)
        assert await keys_in(settings, EXPRESS, 1) == {str(key)}


def message(topic: Topic, key: uuid.UUID) -> Outgoing:
    envelope = make_envelope(
        event_id=uuid.uuid4(),
        event_type=topic.event_type,
        source="/fundline/tests",
        at=datetime.now(UTC),
        subject=str(key),
        schema_version=topic.schema_version,
        correlation_id="lanes",
        traceparent="",
    )
    return Outgoing(topic.name, str(key), asking(key, "1.00").wire(), envelope.headers())


def pool(settings: KafkaSettings, group: Group, topic: Topic, handler) -> ConsumerRuntime:
    return ConsumerRuntime(
        settings,
        group,
        [Subscription(topic, handler)],
        producer=EventProducer(settings),
        metrics=Metrics(CollectorRegistry()),
    )


@pytest.mark.parametrize(
    ("flooded", "other"), [(STANDARD, EXPRESS), (EXPRESS, STANDARD)], ids=["standard", "express"]
)
async def test_a_flood_in_one_lane_holds_up_neither_the_other_nor_the_intake(settings, flooded, other):
    """The flooded lane does not finish a single message until the others have handled theirs."""
    gate, handled = asyncio.Event(), asyncio.Queue()

    async def stuck(_event: Event) -> None:
        await gate.wait()

    async def free(event: Event) -> None:
        await handled.put(event.topic.name)

    pools = [
        pool(settings, flooded.groups[0], flooded, stuck),
        pool(settings, other.groups[0], other, free),
        pool(settings, Group.RISK_INTAKE, APPLICATIONS_CREATED, free),
    ]
    producer = EventProducer(settings)
    await asyncio.to_thread(producer.publish, [message(flooded, uuid.uuid4()) for _ in range(FLOOD)])
    async with running(*pools):
        async with asyncio.timeout(30):
            while pools[0].in_flight < FLOOD:
                await asyncio.sleep(0.02)
            await asyncio.to_thread(producer.publish, [message(other, uuid.uuid4()), created_event()])
            seen = {await handled.get(), await handled.get()}
        assert seen == {other.name, APPLICATIONS_CREATED.name}
        assert pools[0].in_flight == FLOOD
        gate.set()


@pytest.mark.parametrize("lane", [STANDARD, EXPRESS], ids=["standard", "express"])
async def test_a_poison_message_of_a_lane_goes_to_the_dead_letters_of_that_lane_and_blocks_nobody(
    settings, lane
):
    """Promise 14: on either lane, and the next message of the same application is handled."""
    bad, good = uuid.uuid4(), uuid.uuid4()
    handled = asyncio.Queue()

    async def handler(event: Event) -> None:
        if event.key == str(bad):
            raise Poison("nobody can score this")
        await handled.put(event.key)

    unreadable = dataclasses.replace(message(lane, good), value=b"{not json")
    batch = [message(lane, bad), unreadable, message(lane, good)]
    await asyncio.to_thread(EventProducer(settings).publish, batch)
    async with running(pool(settings, lane.groups[0], lane, handler)), asyncio.timeout(30):
        assert await handled.get() == str(good)
        dead = await asyncio.to_thread(
            read_all, settings.kafka_bootstrap, settings.topic_prefix + lane.dead_letter, wait_for=2
        )
    causes = sorted(letter.headers["fundline-cause"] for letter in dead)
    assert causes[0].startswith("Poison: bad payload")
    assert causes[1] == "Poison: nobody can score this"
