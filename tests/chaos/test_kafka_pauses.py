"""Kafka stands still for 4 s, seven times, under load: the whole backlog drains, and nobody lends a hand."""

import asyncio
import contextlib
import os
import signal

import pytest

from fundline.contracts.topics import topics_by_group
from fundline.platform.kafka.groups import GroupWatch, KafkaUnavailable
from fundline.stack.ready import is_well
from support.clients import browser, settled, submit
from support.three_checks import problems_at_rest

pytestmark = pytest.mark.e2e
PAUSES, PAUSE_S, BETWEEN_S, EVERY_S = 7, 4.0, 1.5, 0.25
DRAINED_WITHIN_S = 120


async def submissions(fleet, stop: asyncio.Event) -> list[str]:
    """Four applications a second until `stop`; their ids. Accepting never waits for Kafka."""
    made: list[str] = []
    async with browser(fleet) as client:
        while not stop.is_set():
            made.append((await submit(client, fleet))["id"])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY_S)
    return made


async def test_a_kafka_that_pauses_under_load_leaves_nothing_undone_and_nobody_unready(fleet):
    broker = next(r.identity.pid for r in fleet.processes() if r.process == "kafka" and r.identity)
    stop = asyncio.Event()
    submitting = asyncio.create_task(submissions(fleet, stop))
    for _ in range(PAUSES):
        os.kill(broker, signal.SIGSTOP)
        try:
            await asyncio.sleep(PAUSE_S)
        finally:
            os.kill(broker, signal.SIGCONT)
        await asyncio.sleep(BETWEEN_S)
    stop.set()
    made = await submitting
    watch = GroupWatch(fleet.settings["FUNDLINE_KAFKA_BOOTSTRAP"], topics_by_group())

    async def is_over() -> bool:
        try:
            groups = await asyncio.to_thread(watch.look, old_s=120)
        except KafkaUnavailable:
            return False
        wells = [await asyncio.to_thread(is_well, record.health) for record in fleet.processes()]
        return all(wells) and all(group.lag == 0 and group.members > 0 for group in groups)

    async with asyncio.timeout(DRAINED_WITHIN_S):
        while not await is_over():
            await asyncio.sleep(0.5)
    watch.close()
    async with browser(fleet) as client:
        results = await asyncio.gather(*(settled(client, fleet, one) for one in made))
    assert results == ["disbursed"] * len(made)
    assert await problems_at_rest(fleet.settings) == []
