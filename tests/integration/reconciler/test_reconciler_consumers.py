"""Work that nobody takes, found by a process outside of the group."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest
from prometheus_client import CollectorRegistry

from fundline.contracts.topics import APPLICATIONS_CREATED, Group, topics_by_group
from fundline.platform.kafka.consumer import ConsumerRuntime
from fundline.platform.kafka.groups import GroupWatch
from fundline.platform.kafka.messages import Event, Subscription
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.reconciler.consumers import ConsumersProgress, ConsumerWatch
from fundline.services.reconciler.findings import Unchecked
from support.kafka import created_event, running
from support.reconciler import AT, cases

pytestmark = pytest.mark.integration
GROUP = Group.RISK_INTAKE


@pytest.fixture
def progress(database, kafka_settings, metrics) -> Iterator[ConsumersProgress]:
    watch = GroupWatch(kafka_settings.kafka_bootstrap, topics_by_group(), prefix=kafka_settings.topic_prefix)
    yield ConsumersProgress(database, watch, metrics, patience_s=1.0, old_s=2.0)
    watch.close()


def consumer(kafka_settings: KafkaSettings, work) -> ConsumerRuntime:
    return ConsumerRuntime(
        kafka_settings,
        GROUP,
        [Subscription(APPLICATIONS_CREATED, work)],
        producer=EventProducer(kafka_settings),
        metrics=Metrics(CollectorRegistry()),
    )


async def until_cases_are(database, wanted: list[tuple[str, str]]) -> None:
    async with asyncio.timeout(60):
        while await cases(database) != wanted:
            await asyncio.sleep(0.1)


async def test_a_group_with_work_and_no_member_is_a_case_within_seconds_that_closes_by_itself(
    database, kafka_settings, metrics, progress
):
    async def work(_: Event) -> None:
        pass

    await asyncio.to_thread(EventProducer(kafka_settings).publish, [created_event() for _ in range(3)])
    async with running(ConsumerWatch(progress, every_s=0.2)):
        await until_cases_are(database, [("consumer_lag", GROUP)])
        assert metrics.registry.get_sample_value("fundline_consumer_abandoned", {"group": GROUP}) == 1
        async with running(consumer(kafka_settings, work)):
            await until_cases_are(database, [])
            assert metrics.registry.get_sample_value("fundline_consumer_members", {"group": GROUP}) == 1
    lag = [
        sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "fundline_consumer_lag_messages"
    ]
    assert lag
    assert sum(lag) == 0


async def test_a_member_that_does_not_go_on_past_an_old_message_is_a_case_too(
    database, kafka_settings, progress
):
    """It is a member, it polls, and its heartbeats are in time: only its offset says that it hangs."""
    gate = asyncio.Event()

    async def work(_: Event) -> None:
        await gate.wait()

    await asyncio.to_thread(EventProducer(kafka_settings).publish, [created_event()])
    async with running(consumer(kafka_settings, work)), running(ConsumerWatch(progress, every_s=0.2)):
        await until_cases_are(database, [("consumer_lag", GROUP)])
        gate.set()
        await until_cases_are(database, [])


async def test_one_run_by_hand_reports_work_that_nobody_takes(kafka_settings, progress):
    await asyncio.to_thread(EventProducer(kafka_settings).publish, [created_event()])
    (found,) = await progress.look(at=AT, full=False)
    assert (found.subject, found.is_repaired) == (GROUP, False)
    assert found.sentence == f"The group {GROUP} has messages to handle and no member."


async def test_groups_without_work_need_no_member(progress):
    async with asyncio.timeout(60):
        while True:
            with suppress(Unchecked):  # a topic that is just made may have no leader yet
                assert await progress.look(at=AT, full=False) == []
                return
            await asyncio.sleep(0.1)


async def test_a_kafka_that_stands_still_is_told_as_unchecked_and_holds_nobody_up(engines, progress):
    broker = next(r.identity.pid for r in engines.stack.processes() if r.process == "kafka" and r.identity)
    os.kill(broker, signal.SIGSTOP)
    try:
        async with asyncio.timeout(60):
            with pytest.raises(Unchecked, match="Kafka does not say"):
                await progress.look(at=AT, full=False)
    finally:
        os.kill(broker, signal.SIGCONT)
