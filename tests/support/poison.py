"""Messages that no consumer can use: an event that is sound but for one header, its key or one field, by the dozen."""

import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fundline.contracts.topics import Topic, every_topic
from fundline.manual.examples import EXAMPLES, example_envelope
from fundline.platform.kafka import messages
from support.raw_kafka import RawMessage

ABSURD_TIMES = (b"9999-12-31T23:59:59+14:00", b"0001-01-01T00:00:00+14:00", b"2026-11-27T10:00:00", b"now")
NO_TEXT: tuple[bytes | None, ...] = (None, b"\xff\xfe", b"a\x00b", b"\xed\xa0\x80", b"x" * 5000)
COUNTS = (b"-1", b"9" * 5000, b"1e3", b"NaN", b"\xd9\xa3", b"")
OF_HEADERS: dict[str, Sequence[bytes | None]] = {
    **dict.fromkeys(("ce_time", messages.NOT_BEFORE, messages.FIRST_FAILURE), (*NO_TEXT, *ABSURD_TIMES)),
    **dict.fromkeys((messages.ATTEMPT, messages.REPLAY), (*NO_TEXT, *COUNTS)),
    **dict.fromkeys(("ce_specversion", "ce_schemaversion", "ce_id", "ce_type"), (*NO_TEXT, *COUNTS)),
    **dict.fromkeys(
        ("ce_source", "ce_correlationid", "traceparent", "content-type", messages.CAUSE), NO_TEXT
    ),
    messages.GROUP: NO_TEXT,
    messages.ORIGIN: NO_TEXT,
}
KEYS: tuple[bytes | None, ...] = (
    None,
    b"",
    b"\xff" * 16,
    b"k" * 1000,
    b"\x00",
    b"no-id",
    uuid.uuid4().hex.encode(),
)
BODIES: tuple[bytes | None, ...] = (
    *(
        None,
        b"",
        b"{",
        b"null",
        b"[" * 100_000,
        b'{"a":' * 5000,
        b"\xff" * 1_040_000,
        b"{}" + b" " * 1_000_000,
    ),
    *(b"\x1f\x8b\x08\x00", b'"\\ud800"'),
)
FIELDS: tuple[Any, ...] = ("a\x00b", "\ud800", [], {"x": 1}, 10**400, float("nan"))
NESTED: Any = [[[]]]
for _ in range(60):
    NESTED = [NESTED]
OF_METADATA: tuple[Any, ...] = ({"x": 2**70}, {"x": float("inf")}, {"x": NESTED}, {"a\x00b": 1}, 5)
HEADER_LISTS: tuple[Sequence[tuple[bytes, bytes | None]], ...] = (
    [(b"\xff\xfe", b"1")],
    [(b"ce_id", b"again")],
    [(f"x{number}".encode(), b"1") for number in range(150)],
    [(f"x{number}".encode(), b"1" * 4000) for number in range(100)],
    [(b"n" * 30_000, b"1")],
)


@dataclass(frozen=True)
class Place:
    """Where messages are put: a topic of the broker, and how many dead letters each of its messages becomes."""

    name: str
    topic: Topic
    deaths: int


def places() -> list[Place]:
    """Main, lane, retry and dead-letter topics."""
    found: list[Place] = []
    for topic in every_topic():
        found.append(Place(topic.name, topic, len(topic.groups)))
        found += [Place(topic.retry(group), topic, 1) for group in topic.groups]
        found.append(Place(topic.dead_letter, topic, 1))
    return found


def poison(place: Place, dice: random.Random, count: int, *, prefix: str = "") -> list[RawMessage]:
    """`count` messages, each with another fault; of each kind of fault at least one."""
    kinds = (_with_bad_header, _with_bad_headers, _with_bad_key, _with_bad_body, _with_bad_field)
    made = [kinds[number % len(kinds)](_sound(place, prefix), place.topic, dice) for number in range(count)]
    dice.shuffle(made)
    return made


def _sound(place: Place, prefix: str) -> RawMessage:
    application_id = uuid.uuid4()
    payload = EXAMPLES[place.topic.lane_of or place.topic.name].model_copy(
        update={"application_id": application_id}
    )
    envelope = replace(
        example_envelope(place.topic), event_id=uuid.uuid4(), event_type=place.topic.event_type
    )
    headers = {**envelope.headers(), "ce_subject": str(application_id)}
    if place.name != place.topic.name:
        headers |= {messages.GROUP: str(place.topic.groups[0]), messages.ATTEMPT: "2"}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return RawMessage(prefix + place.name, str(application_id).encode(), payload.wire(), pairs)


def _with_bad_header(sound: RawMessage, _: Topic, dice: random.Random) -> RawMessage:
    name = dice.choice(list(OF_HEADERS))
    value = dice.choice(list(OF_HEADERS[name]))
    rest = [pair for pair in sound.headers if pair[0] != name.encode()]
    return replace(sound, headers=[*rest, (name.encode(), value)])


def _with_bad_headers(sound: RawMessage, _: Topic, dice: random.Random) -> RawMessage:
    return replace(sound, headers=[*sound.headers, *dice.choice(HEADER_LISTS)])


def _with_bad_key(sound: RawMessage, _: Topic, dice: random.Random) -> RawMessage:
    return replace(sound, key=dice.choice(KEYS))


def _with_bad_body(sound: RawMessage, _: Topic, dice: random.Random) -> RawMessage:
    return replace(sound, value=dice.choice(BODIES))


def _with_bad_field(sound: RawMessage, topic: Topic, dice: random.Random) -> RawMessage:
    assert sound.value is not None
    payload: dict[str, Any] = json.loads(sound.value)
    kept = {name: value for name, value in payload.items() if name in _known(topic)}
    name = dice.choice(list(kept))
    if name == "metadata":
        payload[name] = dice.choice(OF_METADATA)
    elif name == "timestamp":
        payload[name] = dice.choice([*FIELDS, *(time.decode() for time in ABSURD_TIMES)])
    elif name == "principalReasons":
        payload[name] = dice.choice([["a\x00b"], {"x": 1}, "text", 5])
    elif name in {"sequence", "assessment"}:
        payload[name] = dice.choice([0, -1, 2**31, 10**400, "x", 1.5])
    else:
        payload[name] = dice.choice(FIELDS)
    return replace(sound, value=json.dumps(payload).encode())


def _known(topic: Topic) -> set[str]:
    return {str(field.alias) for field in topic.payload.model_fields.values()}
