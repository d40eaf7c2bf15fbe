"""From a Kafka message to an event a handler understands, and the headers that retries add."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from confluent_kafka import Message
from pydantic import ValidationError

from fundline.contracts.envelope import Envelope, EnvelopeError, parse_envelope
from fundline.contracts.payloads import Payload
from fundline.contracts.topics import Topic

P = TypeVar("P", bound=Payload)

ATTEMPT = "fundline-attempt"
DEFERRALS = "fundline-deferrals"
NOT_BEFORE = "fundline-not-before"
FIRST_FAILURE = "fundline-first-failure"
CAUSE = "fundline-cause"
GROUP = "fundline-group"
ORIGIN = "fundline-origin"
REPLAY = "fundline-replay"
"""How often a person has sent the event back from the dead letters; absent: never."""
_COUNT_DIGITS = 7


class Poison(Exception):
    """No repetition can help: the message goes to the dead-letter topic with this cause."""


class RetryLater(Exception):
    """Not now. At most `retry_max_attempts` times; with `within_s`, as often as fits into that time."""

    def __init__(self, cause: str, *, within_s: float | None = None) -> None:
        super().__init__(cause)
        self.within_s = within_s


@dataclass(frozen=True, slots=True)
class Event(Generic[P]):
    """What a handler gets. `attempt` is 1 on the first delivery to a handler."""

    topic: Topic
    key: str
    payload: P
    envelope: Envelope
    attempt: int


Handler = Callable[[Event[Any]], Awaitable[None]]
"""Returns: done. Raises Poison or RetryLater; anything else counts as a failed attempt and is retried."""


@dataclass(frozen=True, slots=True)
class Subscription:
    topic: Topic
    handler: Handler


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it arrived, before anybody looked into it."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: Mapping[str, str]
    epoch: int = 0
    """Of the assignment it came with; see OffsetTracker."""

    @property
    def attempt(self) -> int:
        return self.count(ATTEMPT, 1)

    @property
    def deferrals(self) -> int:
        """Retries that cost no attempt, because they had a time limit instead."""
        return self.count(DEFERRALS, 0)

    def count(self, header: str, otherwise: int) -> int:
        """A small whole number; `otherwise` when the header is absent or is something else."""
        text = self.headers.get(header, "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < _COUNT_DIGITS else otherwise

    def moment(self, header: str) -> datetime | None:
        """A time with a zone; None when the header is absent or is something else."""
        try:
            read = datetime.fromisoformat(self.headers[header])
        except (KeyError, ValueError):
            return None
        return None if read.tzinfo is None else read

    def not_before(self) -> datetime | None:
        return self.moment(NOT_BEFORE)


def delivery_of(message: Message, epoch: int = 0) -> Delivery:
    return Delivery(
        epoch=epoch,
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        key=_text(message.key()),
        value=message.value() or b"",
        headers={str(name): _text(value) for name, value in list(message.headers() or [])},
    )


def _text(value: bytes | str | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def read_event(topic: Topic, delivery: Delivery) -> Event[Payload]:
    """Raises Poison when the envelope, the version or the payload is not one we know."""
    try:
        envelope = parse_envelope(delivery.headers)
    except EnvelopeError as error:
        raise Poison(f"bad envelope: {error}") from error
    if envelope.event_type != topic.event_type or envelope.schema_version != topic.schema_version:
        raise Poison(f"unknown version: {envelope.event_type} schema {envelope.schema_version}")
    try:
        payload = topic.payload.model_validate_json(delivery.value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "payload"
        raise Poison(f"bad payload: {place}: {first['msg']}") from error
    if str(getattr(payload, "application_id", "")) != delivery.key:
        raise Poison("bad key: the key is not the application id of the payload")
    return Event(topic, delivery.key, payload, envelope, delivery.attempt)
