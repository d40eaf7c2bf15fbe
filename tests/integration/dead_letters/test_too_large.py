"""What Kafka or the database cannot take whole blocks nobody: neither behind a consumer nor behind the event router."""

import asyncio
import dataclasses
import hashlib
import uuid

import orjson
import pytest
from prometheus_client import CollectorRegistry

from fundline.commands.dead_letter.view import show_letter
from fundline.contracts.payloads import DisbursementRequested
from fundline.contracts.topics import APPLICATIONS_CREATED, DEAD_LETTER_KEEPER, DISBURSEMENT_REQUESTED, Group
from fundline.platform.database.outbox import OutboxRow, outbox_row, store_events
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.keeping import KeepingConsumer
from fundline.platform.kafka.messages import Event, Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.dead_letter_keeper.keeper import Keeper
from fundline.services.dead_letter_keeper.reading import TOPIC_OF
from fundline.services.event_router.lanes import Lanes
from fundline.services.event_router.metrics import RouterMetrics
from fundline.services.event_router.relay import Relay
from support.kafka import AT, created_event, read_all, running
from support.raw_kafka import RawMessage, raw_producer

pytestmark = pytest.mark.integration
TOPIC = APPLICATIONS_CREATED


async def letters(database, count: int):
    async with asyncio.timeout(60):
        while True:
            rows = await database.fetch("select * from dead_letters order by dead_letter_id")
            if len(rows) >= count:
                return rows
            await asyncio.sleep(0.05)


def raw(message, *, prefix: str, **changes) -> RawMessage:
    """One of ours, as its bytes; all on one partition, so that each has the one before in its way."""
    parts = {
        "topic": prefix + message.topic,
        "key": message.key.encode(),
        "value": message.value,
        "headers": [(name.encode(), value.encode()) for name, value in message.headers.items()],
        "partition": 0,
    }
    return RawMessage(**{**parts, **changes})


async def test_what_the_broker_takes_and_no_dead_letter_can_hold_blocks_nobody(
    kafka_settings, database, shown, act
):
    """Seen: one message of 1,040,000 bytes held its partition for ever, because the broker took more than we send."""
    poison, gigantic, odd, good = (created_event() for _ in range(4))
    handled: list[str] = []

    async def handler(event: Event) -> None:
        handled.append(event.key)

    large = b"\xff" * 1_040_000
    zeros = b'{"zeros":"' + b"0" * 20_000_000 + b'"}'
    prefix = kafka_settings.topic_prefix
    with raw_producer(kafka_settings.kafka_bootstrap, compression_type="gzip") as packed:
        packed.send(raw(gigantic, prefix=prefix, value=zeros))
    with raw_producer(kafka_settings.kafka_bootstrap) as plain:
        plain.send(raw(poison, prefix=prefix, value=large))
        odd_headers = [*raw(odd, prefix=prefix).headers, (b"\xff\xfe", b"1"), (b"x", None)]
        plain.send(raw(odd, prefix=prefix, headers=odd_headers))
        plain.send(raw(good, prefix=prefix))
    producer, metrics = EventProducer(kafka_settings), Metrics(CollectorRegistry())
    keep = Keeper(database, metrics, prefix=prefix).keep
    async with running(
        ConsumerRuntime(
            kafka_settings,
            Group.RISK_INTAKE,
            [Subscription(TOPIC, handler)],
            producer=producer,
            metrics=metrics,
        ),
        KeepingConsumer(kafka_settings, DEAD_LETTER_KEEPER, list(TOPIC_OF), keep=keep, metrics=metrics),
    ):
        found = await letters(database, 3)
    assert handled == [good.key]
    assert len(found) == 3
    by_key = {row["key"]: row for row in found}
    assert "their names are not UTF-8" in by_key[odd.key]["cause"]
    for message, value in ((poison, large), (gigantic, zeros)):
        row = by_key[message.key]
        assert "too large" in row["cause"]
        assert row["payload"] == value[:65_536]
        letter = await shown(row["dead_letter_id"])
        await the_whole_is_at(kafka_settings, letter["whole"], value)
        assert f"Kafka at {letter['whole']['at']}" in show_letter(letter).replace("\n", " ")
        refused = await act(row["dead_letter_id"], "replay")
        assert refused.status_code == 409
        assert "Only the first 65536" in refused.json()["detail"]


async def the_whole_is_at(settings, whole: dict, value: bytes) -> None:
    """Size, hash and place in Kafka of a payload of which the letter holds only the head."""
    name = settings.topic_prefix + TOPIC.name
    assert whole["bytes"] == len(value)
    assert whole["sha256"] == hashlib.sha256(value).hexdigest()
    origin, _, offset = whole["at"].rpartition("/")
    assert origin == f"{name}/0"
    kept = await asyncio.to_thread(read_all, settings.kafka_bootstrap, name, wait_for=4)
    assert next(one for one in kept if one.offset == int(offset) and one.partition == 0).value == value


def payment_asked(key: uuid.UUID) -> OutboxRow:
    payload = DisbursementRequested(
        application_id=key, amount="10.00", currency="USD", timestamp=AT, approved_by="policy"
    )
    return outbox_row(DISBURSEMENT_REQUESTED, payload, key=key, event_id=uuid.uuid4(), source="tests", at=AT)


def router(settings, database, metrics) -> Relay:
    return Relay(settings, EventProducer(settings), Lanes(database, every_s=60), metrics)


async def test_an_event_of_ours_that_kafka_refuses_becomes_a_dead_letter_and_the_rest_moves(
    settings, database, act
):
    before, large, after = (payment_asked(uuid.uuid4()) for _ in range(3))
    sound = large.payload
    large = dataclasses.replace(large, payload=sound[:-1] + ',"x":"' + "x" * 2_000_000 + '"}')
    async with database.transaction() as connection:
        await store_events(connection, [before, large, after])
    metrics = Metrics(CollectorRegistry())
    topic = settings.topic_prefix + DISBURSEMENT_REQUESTED.name
    async with running(router(settings, database, metrics)):
        (letter,) = await letters(database, 1)
        arrived = await asyncio.to_thread(read_all, settings.kafka_bootstrap, topic, wait_for=2)
        assert {one.key for one in arrived} == {str(before.key), str(after.key)}
        assert await database.fetchrow("select from outbox") is None
        assert (letter["consumer_group"], letter["event_id"]) == ("event-router", large.event_id)
        assert "Kafka refuses it" in letter["cause"]
        assert metrics.of(RouterMetrics).outbox_refused.labels(DISBURSEMENT_REQUESTED.name)._value.get() == 1
        assert await database.fetchrow("select from cases where kind = 'dead_letter'") is not None
        asked = await act(letter["dead_letter_id"], "replay", payload=orjson.loads(sound))
        agreed = await act(
            letter["dead_letter_id"],
            "approve",
            subject="oscar",
            payloadSha256=hashlib.sha256(orjson.dumps(orjson.loads(sound))).hexdigest(),
        )
        assert (asked.status_code, agreed.status_code) == (200, 200), agreed.text
        arrived = await asyncio.to_thread(read_all, settings.kafka_bootstrap, topic, wait_for=3)
    assert str(large.key) in {one.key for one in arrived}, "corrected, it goes to the topic that never had it"


async def test_a_topic_that_kafka_does_not_have_holds_up_only_its_own_events(settings, database):
    """It is no fault of the event's, so it waits; those of other topics move."""
    good = payment_asked(uuid.uuid4())
    lost = dataclasses.replace(payment_asked(uuid.uuid4()), topic="disbursement.imagined")
    async with database.transaction() as connection:
        await store_events(connection, [lost, good])
    topic = settings.topic_prefix + DISBURSEMENT_REQUESTED.name
    async with running(router(settings, database, Metrics(CollectorRegistry()))):
        async with asyncio.timeout(60):
            while [row["topic"] for row in await database.fetch("select topic from outbox")] != [lost.topic]:
                await asyncio.sleep(0.05)
    arrived = await asyncio.to_thread(read_all, settings.kafka_bootstrap, topic, wait_for=1)
    assert {one.key for one in arrived} == {str(good.key)}
    assert await database.fetchrow("select from dead_letters") is None
