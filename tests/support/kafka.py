"""Looking at topics from outside: publish what a service would, read everything that is there."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Protocol

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from fundline.contracts.envelope import make_envelope
from fundline.contracts.payloads import ApplicationCreated
from fundline.contracts.topics import APPLICATIONS_CREATED
from fundline.platform.kafka.door import delivery_of
from fundline.platform.kafka.messages import Delivery
from fundline.platform.kafka.producer import Outgoing

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def created_event(
    application_id: uuid.UUID | None = None, *, user_id: str = "alice", event_id: uuid.UUID | None = None
) -> Outgoing:
    """A valid `applications.created`."""
    key = application_id or uuid.uuid4()
    payload = ApplicationCreated(
        application_id=key, user_id=user_id, amount="100.00", currency="USD", timestamp=AT
    )
    envelope = make_envelope(
        event_id=event_id or uuid.uuid4(),
        event_type=APPLICATIONS_CREATED.event_type,
        source="/fundline/tests",
        at=AT,
        subject=str(key),
        schema_version=1,
        correlation_id="test-correlation",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    return Outgoing(APPLICATIONS_CREATED.name, str(key), payload.wire(), envelope.headers())


def read_all(bootstrap: str, topic: str, *, wait_for: int = 0, timeout_s: float = 60.0) -> list[Delivery]:
    """Everything in the topic, by partition and offset; waits until `wait_for` messages are there."""
    return read_all_of(bootstrap, [topic], wait_for=wait_for, timeout_s=timeout_s)


def read_all_of(
    bootstrap: str, topics: Sequence[str], *, wait_for: int = 0, timeout_s: float = 60.0
) -> list[Delivery]:
    """Everything in the topics, by topic, partition and offset.

    It has read all when it is at the end of every partition, by the broker's word: on a busy machine half a second
    without a message says nothing, and an empty topic was seen where there was one. Who asks does not read: on the
    reader's connection each question waits until a fetch of nothing is over, half a second for each partition.
    """
    config = {"bootstrap.servers": bootstrap, "enable.auto.commit": False}
    reader = Consumer({**config, "group.id": f"look-{uuid.uuid4()}"})
    asker = Consumer({**config, "group.id": f"ask-{uuid.uuid4()}"})
    try:
        places = [place for topic in topics for place in _places_of(asker, topic)]
        found: list[Delivery] = []
        reader.assign([TopicPartition(topic, number, 0) for topic, number in places])
        read_to = dict.fromkeys(places, 0)
        end = time.monotonic() + timeout_s
        quiet_since = time.monotonic()
        while time.monotonic() < end:
            message = reader.poll(0.1)
            if message is not None and message.error() is None:
                found.append(delivery_of(message, max_bytes=100_000_000))
                read_to[found[-1].topic, found[-1].partition] = found[-1].offset + 1
                quiet_since = time.monotonic()
                continue
            is_quiet = len(found) >= wait_for and time.monotonic() - quiet_since > 0.5
            if is_quiet and _is_at_the_end(asker, read_to):
                break
        return sorted(found, key=lambda d: (d.topic, d.partition, d.offset))
    finally:
        reader.close()
        asker.close()


def _places_of(asker: Consumer, topic: str) -> list[tuple[str, int]]:
    """A topic that was made a moment ago has no partitions yet. Raises KafkaException for one that is not there."""
    deadline = time.monotonic() + 10
    while not (known := asker.list_topics(topic, timeout=10).topics[topic]).partitions:
        if time.monotonic() > deadline:
            raise KafkaException(known.error)
        time.sleep(0.05)
    return [(topic, number) for number in known.partitions]


def _is_at_the_end(asker: Consumer, read_to: Mapping[tuple[str, int], int]) -> bool:
    """By the ends of all partitions, asked for at once; False while a broker that comes back cannot tell."""
    asked = [TopicPartition(topic, number, OFFSET_END) for topic, number in read_to]
    try:
        ends = asker.offsets_for_times(asked, timeout=10)
    except KafkaException:
        return False
    return all(end.error is None and read_to[end.topic, end.partition] >= end.offset for end in ends)


class Part(Protocol):
    """Background work of a process."""

    async def run(self, stop: asyncio.Event) -> None: ...


@asynccontextmanager
async def running(*parts: Part) -> AsyncIterator[None]:
    """Parts of processes, side by side, for as long as the block runs; then they drain."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(part.run(stop)) for part in parts]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)
