import asyncio
import contextlib
import dataclasses

import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.topics import APPLICATIONS_CREATED, Group
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.messages import Event, Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.metrics import Metrics
from support.kafka import created_event, read_all

pytestmark = pytest.mark.integration
HELD = "fundline_consumer_held"


@pytest.fixture
def settings(kafka_settings) -> KafkaSettings:
    return kafka_settings.model_copy(update={"dead_letter_limit": 5, "dead_letter_window_s": 3600})


class Bench:
    """A consumer under a flood: what it handled, and what it gave up on."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings, self.producer = settings, EventProducer(settings)
        self.handled: set[str] = set()
        self.metrics = Metrics(CollectorRegistry())

    async def handle(self, event: Event) -> None:
        self.handled.add(event.key)

    def held(self) -> float | None:
        return self.metrics.registry.get_sample_value(HELD, {"group": Group.RISK_INTAKE})

    async def dead(self, at_least: int) -> set[str]:
        """Ids of the events in the dead-letter topic, once so many are there and it is quiet."""
        topic = self.settings.topic_prefix + APPLICATIONS_CREATED.dead_letter
        found = await asyncio.to_thread(read_all, self.settings.kafka_bootstrap, topic, wait_for=at_least)
        return {message.headers["ce_id"] for message in found}

    @contextlib.asynccontextmanager
    async def consuming(self, **changes):
        stop = asyncio.Event()
        runtime = ConsumerRuntime(
            self.settings.model_copy(update=changes),
            Group.RISK_INTAKE,
            [Subscription(APPLICATIONS_CREATED, self.handle)],
            producer=self.producer,
            metrics=self.metrics,
        )
        running = asyncio.create_task(runtime.run(stop))
        try:
            yield runtime
        finally:
            stop.set()
            await running


async def until(condition, timeout_s: float = 40) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)


def flood(number: int):
    return [dataclasses.replace(created_event(), value=b"{not json") for _ in range(number)]


async def test_a_flood_of_poison_stops_at_the_limit_and_nothing_is_lost(settings):
    bench = Bench(settings)
    poison, good = flood(60), [created_event() for _ in range(60)]
    mixed = [message for pair in zip(poison, good, strict=True) for message in pair]
    await asyncio.to_thread(bench.producer.publish, mixed)
    async with bench.consuming() as runtime:
        await until(lambda: bench.held() == 1)
        assert len(await bench.dead(5)) == 5
        assert await runtime.ready() is False
        assert len(bench.handled) < len(good)
    async with bench.consuming(dead_letter_limit=1000):
        await until(lambda: bench.handled == {message.key for message in good})
        assert await bench.dead(60) == {message.headers["ce_id"] for message in poison}


async def test_a_held_consumer_goes_on_by_itself_when_the_window_has_passed(settings):
    bench = Bench(settings)
    poison, good = flood(12), [created_event() for _ in range(12)]
    await asyncio.to_thread(bench.producer.publish, [*poison, *good])
    async with bench.consuming(dead_letter_window_s=0.5) as runtime:
        await until(lambda: bench.handled == {message.key for message in good})
        assert await bench.dead(12) == {message.headers["ce_id"] for message in poison}
        await until(lambda: bench.held() == 0)
        assert await runtime.ready() is True
