"""Which message the keeping consumer works on next. Its poller's thread is not started: the test hands over."""

import pytest
from prometheus_client import CollectorRegistry

from fundline.platform.kafka.keeping import KeepingConsumer
from fundline.platform.kafka.messages import Delivery
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.metrics import Metrics


class Shelf:
    """Keeps offsets; away for as many calls as it is told."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.away_for = 0

    async def keep(self, delivery: Delivery) -> None:
        if self.away_for > 0:
            self.away_for -= 1
            raise Unavailable("The shelf is away.")
        self.kept.append(delivery.offset)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def consumer(shelf: Shelf) -> KeepingConsumer:
    settings = KafkaSettings(kafka_bootstrap="127.0.0.1:1")
    return KeepingConsumer(
        settings, "keeper", ["letters"], keep=shelf.keep, metrics=Metrics(CollectorRegistry())
    )


def arrive(consumer: KeepingConsumer, *offsets: int) -> None:
    tracker = consumer._tracker
    consumer._receive(
        [
            Delivery("letters", 0, offset, "key", b"", {}, epoch=tracker.started(("letters", 0), offset))
            for offset in offsets
        ]
    )


async def test_messages_are_kept_in_their_order_one_a_turn(consumer, shelf):
    assert await consumer.turn() is None
    arrive(consumer, 1, 2)
    arrive(consumer, 3)
    assert [await consumer.turn() for _ in range(3)] == [0.0] * 3
    assert shelf.kept == [1, 2, 3]
    assert await consumer.turn() is None
    assert consumer._tracker.take_commits() == [(("letters", 0), 4)]


async def test_while_the_shelf_is_away_the_same_message_is_tried_after_pauses_that_grow(consumer, shelf):
    shelf.away_for = 6
    arrive(consumer, 1, 2)
    assert [await consumer.turn() for _ in range(6)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert shelf.kept == []
    assert await consumer.turn() == 0.0
    shelf.away_for = 1
    assert await consumer.turn() == 0.2, "the next message begins anew"
    await consumer.turn()
    assert shelf.kept == [1, 2]


async def test_a_message_whose_partition_was_taken_away_meanwhile_is_left_to_its_owner(consumer, shelf):
    shelf.away_for = 1
    arrive(consumer, 1, 2)
    await consumer.turn()
    consumer._tracker.forget(("letters", 0))
    assert [await consumer.turn() for _ in range(2)] == [0.0, 0.0]
    assert shelf.kept == []
