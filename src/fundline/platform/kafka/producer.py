"""Publishing with an acknowledgement for every message. Synchronous: call it in a thread."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from fundline.platform.clock import utc_now
from fundline.platform.kafka.client import producer_config
from fundline.platform.kafka.farewell import let_go
from fundline.platform.settings import KafkaSettings

_TURN_S = 12.0
"""Longest wait until others have published: a little longer than one of them may take."""
_ANSWER_S = 10.0
"""Longest wait for acknowledgements: longer than a message's own life, `message.timeout.ms`."""
_CLOSE_S = 2.0


class PublishFailed(Exception):
    """Kafka did not acknowledge every message of the batch; the caller keeps them and tries again."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str]


class EventProducer:
    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._producer = Producer(producer_config(settings))

    def publish(self, batch: Sequence[Outgoing]) -> None:
        """Send in order and wait until each message is acknowledged by all in-sync replicas.

        Raises PublishFailed when one is not; some may have arrived all the same, so consumers see each event at
        least once.
        """
        if not self._lock.acquire(timeout=_TURN_S):
            raise PublishFailed(f"others have been publishing for {_TURN_S:.0f} s")
        try:
            self._publish(batch)
        finally:
            self._lock.release()

    def _publish(self, batch: Sequence[Outgoing]) -> None:
        failures: list[str] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error.str())

        try:
            for message in batch:
                self._producer.produce(
                    self._settings.topic_prefix + message.topic,
                    key=message.key,
                    value=message.value,
                    headers=list(message.headers.items()),
                    timestamp=int(utc_now().timestamp() * 1000),
                    on_delivery=delivered,
                )
                self._producer.poll(0)
            unsent = self._producer.flush(_ANSWER_S)
        except (KafkaException, BufferError) as error:
            self._start_afresh()
            raise PublishFailed(str(error)) from error
        if failures or unsent:
            self._start_afresh()
            raise PublishFailed(failures[0] if failures else f"{unsent} messages without an answer")

    def _start_afresh(self) -> None:
        """Drop what is still queued: the caller sends the whole batch again, in order."""
        spent = [self._producer]
        self._producer = Producer(producer_config(self._settings))
        let_go(lambda: _drop(spent.pop()), name="producer", limit_s=_CLOSE_S)


def _drop(producer: Producer) -> None:
    """In the thread that calls, with the last reference: the object's end waits for librdkafka's threads as well."""
    producer.purge()
    producer.flush(1)
