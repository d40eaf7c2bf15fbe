import asyncio
import contextlib
import dataclasses
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable

import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.topics import APPLICATIONS_CREATED
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.messages import CAUSE, NOT_BEFORE, Event, Poison, RetryLater, Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.context import current_trace
from fundline.platform.telemetry.metrics import Metrics
from support.kafka import created_event, read_all

pytestmark = pytest.mark.integration
GROUP = "risk-intake"
DEAD = APPLICATIONS_CREATED.dead_letter


@pytest.fixture
def settings(engines, topic_prefix) -> KafkaSettings:
    return KafkaSettings(
        kafka_bootstrap=engines.bootstrap,
        kafka_dialect=engines.kafka_dialect,
        topic_prefix=topic_prefix,
        retry_base_s=0.02,
        retry_cap_s=0.1,
        drain_timeout_s=5,
    )


@pytest.fixture
def producer(settings) -> EventProducer:
    return EventProducer(settings)


@contextlib.asynccontextmanager
async def consuming(
    settings: KafkaSettings, producer: EventProducer, handler: Callable[[Event], Awaitable[None]]
):
    stop = asyncio.Event()
    runtime = ConsumerRuntime(
        settings,
        GROUP,
        [Subscription(APPLICATIONS_CREATED, handler)],
        producer=producer,
        metrics=Metrics(CollectorRegistry()),
    )
    running = asyncio.create_task(runtime.run(stop))
    try:
        yield runtime
    finally:
        stop.set()
        await running


async def until(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


async def test_messages_of_one_key_run_in_order_and_different_keys_side_by_side(settings, producer):
    keys = [uuid.uuid4() for _ in range(4)]
    batch = [created_event(key, user_id=str(n)) for n in range(10) for key in keys]
    seen: dict[str, list[str]] = defaultdict(list)
    together = most = 0

    async def handler(event: Event) -> None:
        nonlocal together, most
        together += 1
        most = max(most, together)
        await asyncio.sleep(0.01 if int(event.payload.user_id) % 2 else 0.001)
        seen[event.key].append(event.payload.user_id)
        together -= 1

    await asyncio.to_thread(producer.publish, batch)
    async with consuming(settings, producer, handler):
        await until(lambda: sum(map(len, seen.values())) == len(batch))
    assert all(order == [str(n) for n in range(10)] for order in seen.values())
    assert most > 1


async def test_a_poison_message_goes_to_the_dead_letters_with_its_cause_and_blocks_nobody(settings, producer):
    """Promise 14: bad JSON, an unknown version, no envelope, a foreign key, and what a handler cannot use."""
    good = created_event()
    broken = dataclasses.replace(created_event(), value=b"{not json")
    unknown = created_event()
    unknown = dataclasses.replace(unknown, headers={**unknown.headers, "ce_schemaversion": "99"})
    bare = dataclasses.replace(created_event(), headers={})
    foreign_key = dataclasses.replace(created_event(), key=str(uuid.uuid4()))
    refused = created_event(user_id="refuse-me")
    handled = []

    async def handler(event: Event) -> None:
        if event.payload.user_id == "refuse-me":
            raise Poison("the handler cannot use it")
        handled.append(event.key)

    await asyncio.to_thread(producer.publish, [broken, unknown, bare, foreign_key, refused, good])
    async with consuming(settings, producer, handler):
        await until(lambda: handled == [good.key])
        dead = await asyncio.to_thread(
            read_all, settings.kafka_bootstrap, settings.topic_prefix + DEAD, wait_for=5
        )
    causes = {letter.key: letter.headers[CAUSE] for letter in dead}
    assert len(dead) == 5
    assert "bad payload" in causes[broken.key]
    assert "unknown version" in causes[unknown.key]
    assert "bad envelope" in causes[bare.key]
    assert "bad key" in causes[foreign_key.key]
    assert causes[refused.key] == "Poison: the handler cannot use it"
    assert {letter.value for letter in dead if letter.key == broken.key} == {b"{not json"}


async def test_a_handlers_bug_is_tried_five_times_and_then_dead_lettered(settings, producer):
    """Promise 14: others of the same topic are handled meanwhile."""
    bad, good = created_event(user_id="bug"), created_event()
    attempts, handled = [], []

    async def handler(event: Event) -> None:
        if event.payload.user_id == "bug":
            attempts.append(event.attempt)
            raise KeyError("oops")
        handled.append(event.key)

    await asyncio.to_thread(producer.publish, [bad, good])
    async with consuming(settings, producer, handler):
        dead = await asyncio.to_thread(
            read_all, settings.kafka_bootstrap, settings.topic_prefix + DEAD, wait_for=1
        )
    assert attempts == [1, 2, 3, 4, 5]
    assert handled == [good.key]
    (letter,) = dead
    assert letter.headers["fundline-cause"] == "KeyError: 'oops'"
    assert letter.headers["fundline-attempt"] == "5"
    assert letter.headers["ce_id"] == bad.headers["ce_id"]
    assert letter.headers["fundline-group"] == GROUP
    assert letter.headers["fundline-origin"].startswith(settings.topic_prefix + APPLICATIONS_CREATED.name)


async def test_retry_later_succeeds_on_a_later_attempt_with_the_same_event_and_trace(settings, producer):
    event_id, traces, attempts = uuid.uuid4(), set(), []

    async def handler(event: Event) -> None:
        attempts.append((event.attempt, event.envelope.event_id))
        traces.add((current_trace().trace_id, current_trace().correlation_id))
        if event.attempt < 3:
            raise RetryLater("not yet")

    await asyncio.to_thread(producer.publish, [created_event(event_id=event_id)])
    async with consuming(settings, producer, handler):
        await until(lambda: len(attempts) == 3)
    assert attempts == [(1, event_id), (2, event_id), (3, event_id)]
    assert traces == {("0af7651916cd43dd8448eb211c80319c", "test-correlation")}


async def test_a_part_that_is_away_costs_no_attempt(settings, producer):
    attempts = []

    async def handler(event: Event) -> None:
        attempts.append(event.attempt)
        if len(attempts) < 4:
            raise Unavailable("the database is away")

    await asyncio.to_thread(producer.publish, [created_event()])
    async with consuming(settings, producer, handler):
        await until(lambda: len(attempts) == 4)
    assert attempts == [1, 1, 1, 1]
    assert read_all(settings.kafka_bootstrap, settings.topic_prefix + DEAD) == []


async def test_what_was_not_finished_is_delivered_again_to_the_next_instance(settings, producer):
    first_seen, second_seen = [], []
    stuck, done = created_event(user_id="stuck"), created_event(user_id="done")
    impatient = settings.model_copy(update={"drain_timeout_s": 0.2})

    async def first(event: Event) -> None:
        first_seen.append(event.key)
        if event.payload.user_id == "stuck":
            await asyncio.sleep(3600)

    async def second(event: Event) -> None:
        second_seen.append(event.key)

    await asyncio.to_thread(producer.publish, [stuck, done])
    async with consuming(impatient, producer, first):
        await until(lambda: len(first_seen) == 2)
    async with consuming(settings, producer, second):
        await until(lambda: stuck.key in second_seen)


async def test_a_message_that_waits_for_a_part_that_is_away_is_left_to_the_next_instance(settings, producer):
    """A message that was not settled at the stop was committed all the same: its test was cancelled before the line."""
    tried, handled = [], []

    async def away(event: Event) -> None:
        tried.append(event.key)
        raise Unavailable("the database is away")

    async def back(event: Event) -> None:
        handled.append(event.key)

    sent = created_event()
    await asyncio.to_thread(producer.publish, [sent])
    async with consuming(settings, producer, away):
        await until(lambda: len(tried) >= 2)
    async with consuming(settings, producer, back):
        await until(lambda: handled == [sent.key])
    assert read_all(settings.kafka_bootstrap, settings.topic_prefix + DEAD) == []


async def test_a_retry_that_is_not_due_at_the_stop_is_left_to_the_next_instance(settings, producer):
    patient = settings.model_copy(update={"retry_cap_s": 300})
    early, handled = [], []
    sent = created_event()
    retry = dataclasses.replace(
        sent,
        topic=APPLICATIONS_CREATED.retry(GROUP),
        headers={**sent.headers, NOT_BEFORE: "2100-01-01T00:00:00Z"},
    )

    async def too_early(event: Event) -> None:
        early.append(event.key)

    async def due(event: Event) -> None:
        handled.append(event.key)

    await asyncio.to_thread(producer.publish, [retry])
    async with consuming(patient, producer, too_early) as runtime:
        await until(lambda: runtime.in_flight == 1)
    assert early == []
    async with consuming(settings, producer, due):
        await until(lambda: handled == [sent.key])


async def test_a_full_runtime_stops_reading_until_there_is_room(settings, producer):
    narrow = settings.model_copy(update={"consumer_max_in_flight": 20, "consumer_concurrency": 2})
    gate, started, finished = asyncio.Event(), [], []

    async def handler(event: Event) -> None:
        started.append(event.key)
        await gate.wait()
        finished.append(event.key)

    await asyncio.to_thread(producer.publish, [created_event() for _ in range(400)])
    async with consuming(narrow, producer, handler) as runtime:
        await until(lambda: len(started) == 2)
        await asyncio.sleep(0.5)
        assert runtime.in_flight <= 20 + 100
        gate.set()
        await until(lambda: len(finished) == 400)
