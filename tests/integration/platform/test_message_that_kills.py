"""A message ended every process that took it, seven groups were empty, and only changed offsets helped (ADR 0043)."""

import asyncio

import pytest

from fundline.contracts.topics import APPLICATIONS_CREATED
from fundline.platform.clock import new_id
from fundline.platform.database import open_database
from fundline.platform.database.suspects import SuspectRows
from fundline.platform.kafka.messages import CAUSE
from fundline.platform.kafka.producer import EventProducer
from fundline.platform.settings import DatabaseSettings, KafkaSettings
from support.consumer_process import GROUP, KILLER, ConsumerProcess
from support.groups import group_lags
from support.kafka import created_event, read_all

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
DEAD = APPLICATIONS_CREATED.dead_letter


async def test_a_message_on_which_three_processes_died_is_set_aside_and_all_others_are_handled(
    engines, topic_prefix, database_url, tmp_path
):
    settings = KafkaSettings(
        kafka_bootstrap=engines.bootstrap, kafka_dialect=engines.kafka_dialect, topic_prefix=topic_prefix
    )
    killer = created_event(user_id=KILLER)
    batch = [*(created_event() for _ in range(20)), killer, *(created_event() for _ in range(20))]
    await asyncio.to_thread(EventProducer(settings).publish, batch)
    lives = [ConsumerProcess("intake-0", settings, tmp_path, database_url=database_url)]
    try:
        with group_lags(engines.bootstrap, topic_prefix) as lags:
            async with asyncio.timeout(200):
                while not lives[-1].runs() or (await asyncio.to_thread(lags))[GROUP] != 0:
                    if not lives[-1].runs():
                        name = f"intake-{len(lives)}"
                        lives.append(ConsumerProcess(name, settings, tmp_path, database_url=database_url))
                    await asyncio.sleep(0.2)
    finally:
        last_status = lives[-1].stop()
    dead = await asyncio.to_thread(read_all, settings.kafka_bootstrap, topic_prefix + DEAD, wait_for=1)
    assert [letter.key for letter in dead] == [killer.key]
    assert dead[0].headers[CAUSE] == "Poison: crash: 3 processes ended with this message in hand"
    assert len(lives) - 1 in {3, 4}, "four when the first life committed something before it died"
    assert last_status == 0


async def test_a_life_that_goes_on_elsewhere_counts_no_death(database_url):
    """A partition was only taken away: its owner finishes what it has in hand."""
    database = await open_database(DatabaseSettings(database_url=database_url, database_pool_size=1))
    rows, first, second = SuspectRows(database, GROUP), new_id(), new_id()
    try:
        assert not await rows.begin("topic", 0, 7, first)
        assert await rows.take("topic", 0, 7, first) == 0
        assert await rows.begin("topic", 0, 7, second)
        assert await rows.take("topic", 0, 7, second) == 1
        await rows.put_down("topic", 0, 7, first)
        assert await rows.take("topic", 0, 7, second) == 0
        assert await rows.begin("topic", 0, 7, second)
        assert await rows.take("topic", 0, 7, second) == 0, "the same life again: nothing has died"
        await rows.put_down("topic", 0, 7, second)
        assert not await rows.begin("topic", 0, 9, first), "it has moved on"
    finally:
        await database.close()
