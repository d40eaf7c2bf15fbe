"""A reader without a group: every instance sees every event of a topic, from now on. For fan-out to open streams."""

import threading
from collections.abc import Callable

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from fundline.contracts.topics import Topic
from fundline.platform.kafka.client import consumer_config
from fundline.platform.kafka.door import delivery_of
from fundline.platform.kafka.farewell import let_go
from fundline.platform.kafka.messages import Delivery
from fundline.platform.liveness import Heartbeat
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.logs import get_log

_LIMIT_S = 30.0
"""For one turn; asking where each partition ends is the longest."""
_CLOSE_S = 2.0


class BroadcastReader(threading.Thread):
    """Calls `receive` in this thread for every message. Keeps no offset: what came before is the database's to tell.

    Turns by itself: librdkafka's `poll` waits in a thread, where a `Loop` of the event loop cannot be.
    """

    def __init__(self, settings: KafkaSettings, topic: Topic, receive: Callable[[Delivery], None]) -> None:
        super().__init__(name=f"broadcast-{topic.name}", daemon=True)
        self._settings, self._topic, self._receive = settings, topic, receive
        self._stopping = threading.Event()
        self._log = get_log()
        self.heartbeat = Heartbeat(self.name, _LIMIT_S)
        self.reading = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            self.heartbeat.beat()
            try:
                self._read()
            except KafkaException as error:
                self.reading.clear()
                self._log.warning("broadcast.restarted", topic=self._topic.name, text=str(error))
                self._stopping.wait(1.0)
        self.heartbeat.end()

    def _read(self) -> None:
        consumer = Consumer(consumer_config(self._settings, f"broadcast-{self._settings.instance}"))
        try:
            name = self._settings.topic_prefix + self._topic.name
            found = consumer.list_topics(name, timeout=5).topics[name]
            if found.error is not None:
                raise KafkaException(found.error)
            partitions = [TopicPartition(name, number) for number in found.partitions]
            for partition in partitions:
                partition.offset = self._start(consumer, partition)
            consumer.assign(partitions)
            self.reading.set()
            while not self._stopping.is_set():
                self.heartbeat.beat()
                message = consumer.poll(0.1)
                if message is not None and message.error() is None:
                    self._hand_over(delivery_of(message, max_bytes=self._settings.event_max_bytes))
        finally:
            let_go(consumer.close, name=self._topic.name, limit_s=_CLOSE_S)

    def _hand_over(self, delivery: Delivery) -> None:
        """No message ends this thread: open streams get what one lacks from the database."""
        try:
            self._receive(delivery)
        except Exception as bug:
            self._log.error(
                "broadcast.not_received", topic=self._topic.name, place=delivery.place, exc_info=bug
            )

    def _start(self, consumer: Consumer, partition: TopicPartition) -> int:
        if (
            self._settings.kafka_dialect == "development"
        ):  # it cannot give end offsets; its topics are short-lived
            return OFFSET_BEGINNING
        # OFFSET_END would be looked up with the first fetch, and what arrives until then would be skipped
        offsets = consumer.get_watermark_offsets(partition, timeout=5)
        if offsets is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - librdkafka's own name
        return int(offsets[1])
