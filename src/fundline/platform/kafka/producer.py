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
_ABOUT_THE_MESSAGE = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError._INVALID_ARG,  # noqa: SLF001 - librdkafka's own name
    }
)
_ABOUT_THE_TOPIC = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.POLICY_VIOLATION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - librdkafka's own name
    }
)


class PublishFailed(Exception):
    """Kafka did not acknowledge every message of the batch; the caller keeps them and tries again."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Kafka takes this message never, or none for its topic until somebody changes that. `place`: in the batch."""

    place: int
    cause: str
    is_about_topic: bool


class PublishRefused(PublishFailed):
    """Some messages are refused however often they are sent; all others of the batch are acknowledged."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(refusals[0].cause)
        self.refusals = refusals


class EventProducer:
    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._producer = Producer(producer_config(settings))

    def publish(self, batch: Sequence[Outgoing]) -> None:
        """Send in order and wait until each message is acknowledged by all in-sync replicas.

        Raises PublishFailed when one is not; some may have arrived all the same, so consumers see each event at
        least once. Raises PublishRefused when nothing but refusals is left.
        """
        if not self._lock.acquire(timeout=_TURN_S):
            raise PublishFailed(f"others have been publishing for {_TURN_S:.0f} s")
        try:
            refused = self._publish(batch)
        finally:
            self._lock.release()
        if refused:
            raise PublishRefused(
                [
                    Refusal(place, error.str(), is_about_topic=_is_about_topic(error))
                    for place, error in sorted(refused.items())
                ]
            )

    def _publish(self, batch: Sequence[Outgoing]) -> dict[int, KafkaError]:
        """The broker refuses a whole set of messages for one of them, so each of them answers for itself then."""
        refused = self._send(range(len(batch)), batch)
        if len(batch) > 1:
            for place in [place for place, error in refused.items() if not _is_about_topic(error)]:
                if not self._send([place], batch):
                    del refused[place]
        return refused

    def _send(self, places: Sequence[int], batch: Sequence[Outgoing]) -> dict[int, KafkaError]:
        """By place, what was refused; all others are acknowledged. Raises PublishFailed."""
        failures: dict[int, KafkaError] = {}
        try:
            for place in places:
                self._produce(place, batch[place], failures)
                self._producer.poll(0)
            unsent = self._producer.flush(_ANSWER_S)
        except (KafkaException, BufferError) as error:
            self._start_afresh()
            raise PublishFailed(str(error)) from error
        if failures or unsent:
            self._start_afresh()
        away = [error.str() for error in failures.values() if not _is_refusal(error)]
        if away or unsent:
            raise PublishFailed(away[0] if away else f"{unsent} messages without an answer")
        return failures

    def _produce(self, place: int, message: Outgoing, failures: dict[int, KafkaError]) -> None:
        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures[place] = error

        try:
            self._producer.produce(
                self._settings.topic_prefix + message.topic,
                key=_bytes(message.key),
                value=message.value,
                headers=[(name, _bytes(value)) for name, value in message.headers.items()],
                timestamp=int(utc_now().timestamp() * 1000),
                on_delivery=delivered,
            )
        except KafkaException as error:
            if not _is_refusal(error.args[0]):
                raise
            failures[place] = error.args[0]

    def _start_afresh(self) -> None:
        """Drop what is still queued: the caller sends the whole batch again, in order."""
        spent = [self._producer]
        self._producer = Producer(producer_config(self._settings))
        let_go(lambda: _drop(spent.pop()), name="producer", limit_s=_CLOSE_S)


def _drop(producer: Producer) -> None:
    """In the thread that calls, with the last reference: the object's end waits for librdkafka's threads as well."""
    producer.purge()
    producer.flush(1)


def _is_refusal(error: KafkaError) -> bool:
    return error.code() in _ABOUT_THE_MESSAGE or _is_about_topic(error)


def _is_about_topic(error: KafkaError) -> bool:
    return error.code() in _ABOUT_THE_TOPIC


def _bytes(text: str) -> bytes:
    """Half characters, which are text in Python only, become question marks."""
    return text.encode("utf-8", "replace")
