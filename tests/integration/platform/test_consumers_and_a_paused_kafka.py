"""A broker that stands still for some seconds, again and again: nobody needs a hand afterwards."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from confluent_kafka import Consumer, TopicPartition
from prometheus_client import CollectorRegistry

from fundline.contracts.topics import APPLICATIONS_CREATED
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.messages import Event, Subscription
from fundline.platform.kafka.metrics import ConsumerMetrics
from fundline.platform.kafka.producer import EventProducer, PublishFailed
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.metrics import Metrics
from support.consumer_process import GROUP, ConsumerProcess
from support.kafka import created_event, running

pytestmark = pytest.mark.integration
PAUSES, PAUSE_S, BETWEEN_S = 7, 4.0, 1.5
EVERY_S = 0.1


@pytest.fixture
def settings(engines, topic_prefix) -> KafkaSettings:
    return KafkaSettings(
        kafka_bootstrap=engines.bootstrap, kafka_dialect=engines.kafka_dialect, topic_prefix=topic_prefix
    )


async def until(condition, timeout_s: float = 60) -> None:
    async with asyncio.timeout(timeout_s):
        while not await condition():
            await asyncio.sleep(0.1)


@asynccontextmanager
async def load(producer: EventProducer) -> AsyncIterator[list[str]]:
    """Several applications per second, each published until Kafka has it; yields the keys that it has."""
    published: list[str] = []
    stop = asyncio.Event()

    async def publish() -> None:
        while not stop.is_set():
            event = created_event()
            try:
                await asyncio.to_thread(producer.publish, [event])
            except PublishFailed:
                continue
            published.append(event.key)
            await asyncio.sleep(EVERY_S)

    publishing = asyncio.create_task(publish())
    try:
        yield published
    finally:
        stop.set()
        await publishing


def lag(settings: KafkaSettings) -> int:
    """What the broker says is not yet committed by the group; all of it where it has committed nothing."""
    topic, group = settings.topic_prefix + APPLICATIONS_CREATED.name, settings.topic_prefix + GROUP
    reader = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": group})
    try:
        numbers = reader.list_topics(topic, timeout=10).topics[topic].partitions
        partitions = reader.committed([TopicPartition(topic, number) for number in numbers], timeout=10)
        ends = [reader.get_watermark_offsets(partition, timeout=10)[1] for partition in partitions]
        return sum(end - max(p.offset, 0) for end, p in zip(ends, partitions, strict=True))
    finally:
        reader.close()


async def test_a_kafka_that_pauses_seven_times_under_load_leaves_no_backlog_and_every_consumer_ready(
    engines, settings, tmp_path
):
    broker = next(r.identity.pid for r in engines.stack.processes() if r.process == "kafka" and r.identity)
    consumers = [ConsumerProcess(f"consumer-{number}", settings, tmp_path) for number in (1, 2)]
    try:
        for consumer in consumers:
            await until(consumer.is_ready)
        async with load(EventProducer(settings)) as published:
            for _ in range(PAUSES):
                os.kill(broker, signal.SIGSTOP)
                try:
                    await asyncio.sleep(PAUSE_S)
                finally:
                    os.kill(broker, signal.SIGCONT)
                await asyncio.sleep(BETWEEN_S)

        async def all_is_done() -> bool:
            return await asyncio.to_thread(lag, settings) == 0

        await until(all_is_done)
        assert published
        for consumer in consumers:
            await until(consumer.is_ready)
            assert consumer.runs()
    finally:
        codes = [consumer.stop() for consumer in consumers]
    assert codes == [0, 0]


def stranger(settings) -> Consumer:
    """A member of the same group that is none of our runtimes."""
    return Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap,
            "group.id": settings.topic_prefix + GROUP,
            "partition.assignment.strategy": "roundrobin",
            "enable.auto.commit": False,
            "max.poll.interval.ms": 300_000,
            "session.timeout.ms": 10_000,
        }
    )


async def test_a_consumer_that_cannot_get_back_into_its_group_is_unready_and_is_replaced(settings):
    """Another member holds the rebalance up: it is alive, but does not answer. What polls on meanwhile is no member."""
    handled: list[str] = []
    metrics = Metrics(CollectorRegistry())

    async def handle(event: Event) -> None:
        handled.append(event.key)

    def replaced() -> float:
        return metrics.of(ConsumerMetrics).consumer_replaced.labels(GROUP)._value.get()

    producer = EventProducer(settings)
    runtime = ConsumerRuntime(
        settings, GROUP, [Subscription(APPLICATIONS_CREATED, handle)], producer=producer, metrics=metrics
    )
    topic = settings.topic_prefix + APPLICATIONS_CREATED.name
    silent, third = stranger(settings), stranger(settings)

    async def is_unready() -> bool:
        return not await runtime.ready()

    async def was_replaced() -> bool:
        return replaced() >= 1

    try:
        async with running(runtime):
            await until(runtime.ready)
            silent.subscribe([topic])

            async def is_in() -> bool:
                await asyncio.to_thread(silent.poll, 0.2)
                return bool(silent.assignment())

            await until(is_in)
            third.subscribe([topic])  # and now `silent` is asked to give its partitions back, and does not
            await until(is_unready)
            await until(was_replaced)
            await asyncio.to_thread(third.close)
            await asyncio.to_thread(silent.close)
            await until(runtime.ready)
            event = created_event()
            await asyncio.to_thread(producer.publish, [event])

            async def is_handled() -> bool:
                return event.key in handled

            await until(is_handled)
    finally:
        for consumer in (silent, third):
            consumer.close()
