"""A dead letter's whole way on the real engines: given up, kept, replayed by two people, handled by its group alone."""

import asyncio
import uuid

import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.topics import DEAD_LETTER_KEEPER, RISK_SCORING_COMPLETED, Group
from fundline.platform.clock import utc_now
from fundline.platform.database.inbox import first_time
from fundline.platform.database.outbox import outbox_row, store_events
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.keeping import KeepingConsumer
from fundline.platform.kafka.messages import Event, Poison, Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.dead_letter_keeper.keeper import Keeper
from fundline.services.dead_letter_keeper.reading import TOPIC_OF
from fundline.services.event_router.lanes import Lanes
from fundline.services.event_router.relay import Relay
from support.approved_applications import scoring_completed
from support.kafka import running

pytestmark = pytest.mark.integration
TOPIC = RISK_SCORING_COMPLETED


class CountingGroup:
    """A handler with an inbox: what it was given, and what changed by it."""

    def __init__(self, database, name: str, *, is_broken: bool = False) -> None:
        self._database, self.name, self.is_broken = database, name, is_broken
        self.given: list[tuple[uuid.UUID, int]] = []
        self.effects = 0

    async def __call__(self, event: Event) -> None:
        self.given.append((event.envelope.event_id, event.attempt))
        if self.is_broken:
            raise Poison("a bug of ours")
        async with self._database.transaction() as connection:
            is_new = await first_time(connection, consumer=self.name, event_id=event.envelope.event_id)
        self.effects += is_new


def platform(settings, database, *groups: CountingGroup):
    """Router, keeper and consumer groups, for as long as the block runs."""
    producer, metrics = EventProducer(settings), Metrics(CollectorRegistry())
    keep = Keeper(database, metrics, prefix=settings.topic_prefix).keep
    consumers = [
        ConsumerRuntime(
            settings, group.name, [Subscription(TOPIC, group)], producer=producer, metrics=metrics
        )
        for group in groups
    ]
    return running(
        Relay(settings, producer, Lanes(database, every_s=60), metrics),
        KeepingConsumer(settings, DEAD_LETTER_KEEPER, list(TOPIC_OF), keep=keep, metrics=metrics),
        *consumers,
    )


async def letter(database, state: str):
    """Waits until the one letter is in this state."""
    async with asyncio.timeout(40):
        while True:
            row = await database.fetchrow("select * from dead_letters where state = $1", state)
            if row is not None:
                return row
            await asyncio.sleep(0.05)


async def until(condition) -> None:
    async with asyncio.timeout(40):
        while not condition():
            await asyncio.sleep(0.02)


async def test_a_replay_reaches_the_failed_group_alone_and_a_second_one_changes_nothing(
    settings, database, act, shown
):
    failing = CountingGroup(database, Group.APPLICATION_EVENTS, is_broken=True)
    fine = CountingGroup(database, Group.DISBURSEMENT_WORKER)
    key = uuid.uuid4()
    payload = scoring_completed(key).payload
    event = outbox_row(TOPIC, payload, key=key, event_id=uuid.uuid4(), source="tests", at=utc_now())
    async with platform(settings, database, failing, fine):
        async with database.transaction() as connection:
            await store_events(connection, [event])
        dead = await letter(database, "open")
        assert (dead["event_id"], dead["consumer_group"]) == (event.event_id, "application-events")

        failing.is_broken = False
        letter_id = dead["dead_letter_id"]
        assert (await act(letter_id, "replay")).status_code == 200
        seen = (await shown(letter_id))["payloadSha256"]
        assert (await act(letter_id, "approve", subject="omar", payloadSha256=seen)).status_code == 200
        await until(lambda: failing.effects == 1)
        assert (await shown(letter_id))["handledAt"] is not None

        # forced through once more, past every rule of the API: the inbox knows the event
        await database.execute(
            "insert into outbox (event_id, topic, key, payload, headers) values ($1, $2, $3, $4, $5)",
            event.event_id,
            TOPIC.retry(Group.APPLICATION_EVENTS),
            key,
            event.payload,
            event.headers,
        )
        await until(lambda: len(failing.given) == 3)
    assert failing.given == [(event.event_id, 1)] * 3
    assert failing.effects == 1
    assert fine.given == [(event.event_id, 1)]
    assert fine.effects == 1
