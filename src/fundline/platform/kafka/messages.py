"""From a Kafka message to an event a handler understands, and the headers that retries add."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from fundline.contracts.bounds import flaw_in
from fundline.contracts.envelope import Envelope, EnvelopeError, parse_envelope
from fundline.contracts.moments import moment_in
from fundline.contracts.payloads import KEY_FIELD, Payload
from fundline.contracts.topics import Topic

P = TypeVar("P", bound=Payload)

ATTEMPT = "fundline-attempt"
NOT_BEFORE = "fundline-not-before"
FIRST_FAILURE = "fundline-first-failure"
CAUSE = "fundline-cause"
GROUP = "fundline-group"
ORIGIN = "fundline-origin"
REPLAY = "fundline-replay"
"""How often a person has sent the event back from the dead letters; absent: never."""
CUT_BYTES = "fundline-cut-bytes"
CUT_SHA256 = "fundline-cut-sha256"
"""Size and hash of a payload of which the dead letter holds only the head; the whole is at ORIGIN."""
OF_A_LIFE = frozenset(
    {ATTEMPT, NOT_BEFORE, FIRST_FAILURE, CAUSE, GROUP, ORIGIN, REPLAY, CUT_BYTES, CUT_SHA256}
)
"""Headers that our retries, dead letters and replays add to those of the event."""
LARGEST_COUNT = 999_999
_DIGITS = 18


class Poison(Exception):
    """No repetition can help: the message goes to the dead-letter topic with this cause."""


class RetryLater(Exception):
    """Not now; tried again, at most `retry_max_attempts` times in all."""


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
class Cut:
    """What a payload was before it was cut: its size, and its SHA-256 in hexadecimal digits."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it came through the door (`door.delivery_of`), before anybody looked into its payload."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: Mapping[str, str]
    epoch: int = 0
    """Of the assignment it came with; see OffsetTracker."""
    flaw: str = ""
    """Why it is poison already, whatever its payload says; empty: nothing was wrong at the door."""
    cut: Cut | None = None
    """`value` is only the head of a payload that was too large."""

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def about(self) -> dict[str, str]:
        """The field of a log line that says what the message is about."""
        return {KEY_FIELD: self.key}

    @property
    def attempt(self) -> int:
        return max(self.count(ATTEMPT, 1), 1)

    def count(self, header: str, otherwise: int) -> int:
        """A small whole number; `otherwise` when the header is absent or is something else."""
        found = count_in(self.headers.get(header, ""))
        return otherwise if found is None else found

    def moment(self, header: str) -> datetime | None:
        """A time with a zone, within our bounds; None when the header is absent or is something else."""
        return moment_in(self.headers.get(header, ""))

    def not_before(self) -> datetime | None:
        return self.moment(NOT_BEFORE)


def read_event(topic: Topic, delivery: Delivery) -> Event[Payload]:
    """Raises Poison, and nothing else, when the envelope, the version or the payload is not one we know."""
    if delivery.flaw:
        raise Poison(delivery.flaw)
    try:
        envelope = parse_envelope(delivery.headers)
    except EnvelopeError as error:
        raise Poison(f"bad envelope: {error}") from error
    if envelope.event_type != topic.event_type or envelope.schema_version != topic.schema_version:
        raise Poison(f"unknown version: {envelope.event_type} schema {envelope.schema_version}")
    try:
        payload = topic.payload.model_validate_json(delivery.value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "payload"
        raise Poison(f"bad payload: {place}: {first['msg']}") from error
    if flaw := flaw_in(payload):
        raise Poison(f"bad payload: {flaw}")
    if payload.key != delivery.key:
        raise Poison(f"bad key: the key is not the {KEY_FIELD} of the payload")
    return Event(topic, delivery.key, payload, envelope, delivery.attempt)


def count_in(text: str) -> int | None:
    """A number up to LARGEST_COUNT; None when the text is something else."""
    number = number_in(text)
    return number if number is not None and number <= LARGEST_COUNT else None


def number_in(text: str) -> int | None:
    """A whole number of at most 18 digits, 0 and more; None when the text is something else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None
