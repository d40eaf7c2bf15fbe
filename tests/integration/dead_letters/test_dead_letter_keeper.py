import asyncio
import dataclasses
import random
import uuid

import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.topics import APPLICATIONS_CREATED, DEAD_LETTER_KEEPER, Group
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.keeping import KeepingConsumer
from fundline.platform.kafka.messages import Delivery, Poison, Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.dead_letter_keeper.keeper import Keeper, WaitingLetters
from fundline.services.dead_letter_keeper.reading import TOPIC_OF
from support.dead_letters import dead, dead_payment, keeper, kept_letter
from support.kafka import created_event, running

pytestmark = pytest.mark.integration


async def letters(database):
    return await database.fetch("select * from dead_letters order by dead_letter_id")


async def test_what_a_group_gives_up_on_becomes_a_letter_with_its_cause(kafka_settings, database):
    producer, metrics = EventProducer(kafka_settings), Metrics(CollectorRegistry())
    refused = created_event()
    broken = dataclasses.replace(created_event(), value=b"{not json \xff\x00", headers={})

    async def handler(_event) -> None:
        raise Poison("no application has the id")

    await asyncio.to_thread(producer.publish, [refused, broken])
    runtime = ConsumerRuntime(
        kafka_settings,
        Group.RISK_INTAKE,
        [Subscription(APPLICATIONS_CREATED, handler)],
        producer=producer,
        metrics=metrics,
    )
    keep = Keeper(database, metrics, prefix=kafka_settings.topic_prefix).keep
    async with running(
        runtime,
        KeepingConsumer(kafka_settings, DEAD_LETTER_KEEPER, list(TOPIC_OF), keep=keep, metrics=metrics),
    ):
        async with asyncio.timeout(30):
            while len(await letters(database)) < 2:
                await asyncio.sleep(0.05)
    known, bare = sorted(await letters(database), key=lambda row: row["event_id"] is None)
    assert known["topic"] == "applications.created"
    assert known["consumer_group"] == "risk-intake"
    assert str(known["event_id"]) == refused.headers["ce_id"]
    assert (known["payload"], known["key"]) == (refused.value, refused.key)
    assert (known["cause"], known["attempts"]) == ("Poison: no application has the id", 1)
    assert known["first_failed_at"] <= known["last_failed_at"]
    assert (known["state"], known["moves_money"]) == ("open", False)
    assert bare["payload"] == broken.value
    assert bare["cause"].startswith("Poison: bad envelope")


async def test_a_message_that_comes_twice_is_kept_once(database):
    message = dead()
    first, again = await kept_letter(database, message), await kept_letter(database, message)
    assert first == again
    (row,) = await letters(database)
    assert row["attempts"] == 5


async def test_offsets_that_begin_anew_hide_no_letter(database):
    """A Kafka that was set up anew counts from 0 again, while the database stays."""
    for message in (dead(offset=7), dead(offset=7)):
        await keeper(database).keep(message)
    assert len(await letters(database)) == 2


async def test_an_event_that_dies_again_after_its_replay_is_the_same_letter_open_again(database):
    event_id, key = uuid.uuid4(), uuid.uuid4()
    letter_id = await kept_letter(database, dead(event_id=event_id, key=key))
    await database.execute(
        "update dead_letters set state = 'replayed', replays = 1, settled_by = 'olga', settled_at = now()"
    )
    late = dead(event_id=event_id, key=key, replay=0)
    assert await kept_letter(database, late) == letter_id
    (row,) = await letters(database)
    assert row["state"] == "replayed", "a late copy of the first death says nothing about the replay"
    assert await kept_letter(database, dead(event_id=event_id, key=key, replay=1, cause="again")) == letter_id
    (row,) = await letters(database)
    assert (row["state"], row["cause"], row["attempts"], row["settled_by"]) == ("open", "again", 15, None)
    assert await database.fetch("select from cases where kind = 'dead_letter' and state = 'open'") != []


async def test_the_same_event_dead_in_two_groups_is_two_letters(database):
    event_id, key = uuid.uuid4(), uuid.uuid4()
    for group in ("application-events", "disbursement-worker"):
        await kept_letter(database, dead(group=group, event_id=event_id, key=key))
    assert [row["consumer_group"] for row in await letters(database)] == [
        "application-events",
        "disbursement-worker",
    ]


async def test_a_letter_that_moves_money_opens_a_case_and_is_audited(database):
    letter_id = await kept_letter(database, dead_payment(uuid.uuid4()))
    case = await database.fetchrow("select kind, subject, summary from cases")
    assert (case["kind"], case["subject"]) == ("dead_letter", str(letter_id))
    assert "PaymentUnresolved" in case["summary"]
    actions = await database.fetch(
        "select action, actor from audit_entries where stream = $1", f"dead-letter:{letter_id}"
    )
    assert [tuple(row) for row in actions] == [("deadletter.kept", "dead-letter-keeper")]


def anything(seed: int) -> Delivery:
    """Bytes and headers as somebody might publish them who has never heard of our contracts."""
    dice = random.Random(seed)

    def text() -> str:
        return "".join(chr(dice.choice([0, 9, 65, 0x7F, 0xFFFD, 0x1F600])) for _ in range(dice.randrange(40)))

    known = ["ce_id", "fundline-attempt", "fundline-first-failure", "fundline-group", "fundline-cause"]
    headers = {dice.choice([*known, text()]): text() for _ in range(dice.randrange(6))}
    value = dice.randbytes(dice.choice([0, 1, 200, 900_000]))
    return Delivery(dice.choice(list(TOPIC_OF)), 0, seed, text(), value, headers)


LONG = "\N{GRINNING FACE}" * 5000


def with_headers(message: Delivery, changes: dict[str, str]) -> Delivery:
    return dataclasses.replace(message, headers={**message.headers, **changes})


async def test_nothing_that_can_be_published_stops_the_keeper(database):
    messages = [anything(seed) for seed in range(40)]
    odd = {
        "fundline-first-failure": ("9999-12-31T00:00:00Z", "0001-01-01T00:00:00+14:00"),
        "fundline-group": (LONG,),
        "fundline-cause": (LONG,),
    }
    messages += [with_headers(dead(), {name: text}) for name, texts in odd.items() for text in texts]
    messages.append(dataclasses.replace(dead(), key=LONG))
    for message in messages:
        await keeper(database).keep(message)
    kept = {bytes(row["payload"]) for row in await letters(database)}
    assert kept == {message.value for message in messages}


async def test_while_the_database_is_away_the_message_stays_in_hand(kafka_settings, database):
    producer, metrics = EventProducer(kafka_settings), Metrics(CollectorRegistry())
    message = dataclasses.replace(created_event(), topic=APPLICATIONS_CREATED.dead_letter)
    real, refusals = Keeper(database, metrics, prefix=kafka_settings.topic_prefix), [1, 2]

    async def keep(delivery: Delivery) -> None:
        if refusals:
            refusals.pop()
            raise Unavailable("The database does not answer.")
        await real.keep(delivery)

    await asyncio.to_thread(producer.publish, [message])
    async with running(
        KeepingConsumer(kafka_settings, DEAD_LETTER_KEEPER, list(TOPIC_OF), keep=keep, metrics=metrics)
    ):
        async with asyncio.timeout(30):
            while not await letters(database):
                await asyncio.sleep(0.05)
    assert refusals == []


async def test_waiting_letters_are_counted_by_topic(database):
    metrics = Metrics(CollectorRegistry())
    await kept_letter(database, dead())
    await kept_letter(database, dead_payment(uuid.uuid4()))
    await database.execute("update dead_letters set state = 'discarded', settled_by = 'o', settled_at = now()"
                           " where topic = 'status.updated'")  # fmt: skip
    await WaitingLetters(database, metrics, every_s=1).turn()
    counted = {
        topic: metrics.registry.get_sample_value("fundline_dead_letters_waiting", {"topic": topic})
        for topic in ("status.updated", "disbursement.requested", "applications.created")
    }
    assert counted == {"status.updated": 0, "disbursement.requested": 1, "applications.created": 0}
