"""Promise 27: no message, however malformed, old or large, stops or restarts a consumer."""

import asyncio
import random

import asyncpg
import pytest
from confluent_kafka import Consumer, TopicPartition

from fundline.contracts.topics import topics_by_group
from fundline.stack.running import Stack
from support.clients import browser, settled, submit
from support.poison import places, poison
from support.raw_kafka import raw_producer

pytestmark = pytest.mark.e2e
SEED = 20261127
PER_TOPIC = 15
"""A group reads up to four topics, and an instance gives up at most 100 messages within ten minutes."""


def first_pids(fleet: Stack) -> dict[str, int | None]:
    return {record.instance: record.identity.pid if record.identity else None for record in fleet.processes()}


async def deaths(connection: asyncpg.Connection) -> tuple[int, int]:
    """Letters, and messages that became one."""
    row = await connection.fetchrow(
        "select (select count(*) from dead_letters) as letters,"
        " (select count(*) from dead_letter_arrivals) as arrivals"
    )
    return row["letters"], row["arrivals"]


def lag(bootstrap: str, group: str, topics: list[str]) -> int:
    """Messages that the group has not committed yet, asked for from outside."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
    try:
        found = 0
        for topic in topics:
            numbers = consumer.list_topics(topic, timeout=10).topics[topic].partitions
            for at in consumer.committed([TopicPartition(topic, number) for number in numbers], timeout=10):
                low, high = consumer.get_watermark_offsets(at, timeout=10)
                found += high - (at.offset if at.offset >= 0 else low)
        return found
    finally:
        consumer.close()


async def test_no_header_key_or_payload_stops_or_restarts_anything(fleet):
    """Seen: one header with an absurd time ended seven groups and the status service, 37 exits in 2.5 minutes."""
    settings, dice = fleet.settings, random.Random(SEED)
    bootstrap = settings["FUNDLINE_KAFKA_BOOTSTRAP"]
    pids = first_pids(fleet)
    owner = await asyncpg.connect(fleet.postgres.owner_url)
    letters, arrivals = await deaths(owner)
    expected = 0
    with raw_producer(bootstrap) as producer:
        for place in places():
            for message in poison(place, dice, PER_TOPIC):
                await asyncio.to_thread(producer.send, message)
                expected += place.deaths
    async with asyncio.timeout(120):
        while (await deaths(owner))[1] < arrivals + expected:
            await asyncio.sleep(0.2)
        for group, topics in topics_by_group().items():
            while await asyncio.to_thread(lag, bootstrap, group, topics) > 0:
                await asyncio.sleep(0.2)
    assert await deaths(owner) == (letters + expected, arrivals + expected), "each is one dead letter"
    assert first_pids(fleet) == pids, "nothing was restarted"
    async with browser(fleet) as client:
        assert await settled(client, fleet, (await submit(client, fleet))["id"]) == "disbursed"
    await owner.close()
