"""Whoever looks at the groups must outlive what it looks at: it is there for the moments in which the broker is not."""

import asyncio
import signal
import subprocess
import sys

import pytest

from fundline.contracts.topics import topics_by_group
from fundline.platform.kafka.groups import GroupWatch, KafkaUnavailable

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
WATCHER = """
import sys
from fundline.platform.kafka.groups import GroupWatch, KafkaUnavailable
from fundline.contracts.topics import topics_by_group
round = 0
while True:
    round += 1  # groups that nobody knows yet: their coordinator is asked for anew
    topics = {f"{group}-{round}": names for group, names in topics_by_group().items()}
    watch = GroupWatch(sys.argv[1], topics)
    for _ in range(3):
        try:
            watch.look(old_s=120)
        except KafkaUnavailable:
            pass
    watch.close()
"""
KILLS = 3
ANSWERS_WITHIN_S = 90


@pytest.mark.timeout(KILLS * ANSWERS_WITHIN_S + 60)
async def test_a_watcher_outlives_a_broker_that_is_killed_and_starts_again(engines):
    """librdkafka's admin client ends the process when a coordinator has moved (its issue 5040): we do not ask it."""
    watcher = subprocess.Popen([sys.executable, "-c", WATCHER, engines.bootstrap])
    groups = GroupWatch(engines.bootstrap, topics_by_group())

    async def answers() -> bool:
        try:
            await asyncio.to_thread(groups.look, old_s=120)
        except KafkaUnavailable:
            return False
        return True

    try:
        for _ in range(KILLS):
            engines.stack.kill("kafka")
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                while not await answers():
                    await asyncio.sleep(0.1)
            await asyncio.sleep(1)
            assert watcher.poll() is None, f"the watcher ended with {watcher.returncode}"
    finally:
        groups.close()
        watcher.send_signal(signal.SIGKILL)
        watcher.wait(10)
