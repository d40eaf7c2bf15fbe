"""Promise 27: whatever is published, what handles it fails in one way only, and handling the failure never fails."""

import json
import string
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from fundline.contracts.topics import STATUS_UPDATED, every_topic
from fundline.platform.kafka.door import HEAD_BYTES, LONGEST_KEY, delivery_of
from fundline.platform.kafka.messages import OF_A_LIFE, Event, Poison, RetryLater, read_event
from fundline.platform.kafka.outcomes import FailureRouting
from fundline.platform.settings import ENVELOPE_BYTES, KAFKA_MESSAGE_MAX_BYTES, KafkaSettings
from fundline.platform.telemetry.context import continue_trace
from fundline.services.dead_letter_keeper.reading import TOPIC_OF, dead_message
from fundline.services.status_api.schemas import cached_form, change_of_event
from support.kafka import created_event

NOW = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
SETTINGS = KafkaSettings(kafka_bootstrap="unused")
MAX = SETTINGS.event_max_bytes
GOOD = created_event()
TIMES = st.sampled_from(
    [
        *("9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00-14:00"),
        *(
            "2026-11-27T10:00:00",
            "2026-11-27T24:00:00Z",
            "9999-12-31T24:00:00Z",
            "2026-W48-5",
            "20261127T10Z",
        ),
        *("now", "1e400", "-1", "", "\x00", "2026-11-27T10:00:00.000000Z", "2099-01-01T00:00:00Z"),
    ]
).map(str.encode)
NUMBERS = st.sampled_from(["0", "-1", "1", "5", "999999", "9" * 5000, "٣", "1_0", " 1", "1e3", "NaN"]).map(
    str.encode
)
NAMES = st.one_of(
    st.sampled_from([*OF_A_LIFE, *GOOD.headers, "x"]), st.text(string.printable, min_size=1, max_size=200)
)
VALUES = st.one_of(st.none(), st.binary(max_size=300), TIMES, NUMBERS, st.just(b"x" * 20_000))
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=80)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
FIELDS = sorted(
    {str(field.alias) for topic in every_topic() for field in topic.payload.model_fields.values()}
)
BODIES = st.one_of(
    st.none(),
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=12).map(lambda found: json.dumps(found).encode()),
    st.sampled_from(
        [b"[" * 100_000, b"{" * 5000, b"1" * 6000, b'"\\ud800"', b'"\xed\xa0\x80"', b"\x1f\x8b\x08\x00"]
    ),
)
ERRORS = st.sampled_from([Poison("\ud800"), KeyError("\x00\udcff"), RetryLater("x" * 5000)])


def message(headers: dict[str, str], value: bytes | None, key: bytes | None, topic: str = "t") -> Message:
    return Message(topic=topic, partition=0, offset=7, key=key, value=value, headers=list(headers.items()))


@settings(max_examples=400, deadline=None)
@given(HEADERS, BODIES, st.one_of(st.none(), st.binary(max_size=300)), st.sampled_from(every_topic()), ERRORS)
def test_no_header_key_or_payload_makes_the_door_the_routing_or_the_keeper_fail(
    headers, body, key, topic, error
):
    arrived = Message(topic=topic.dead_letter, partition=0, offset=7, key=key, value=body, headers=headers)
    delivery = delivery_of(arrived, max_bytes=MAX)
    cause: Exception = error
    try:
        read_event(topic, delivery)
    except Poison as poison:
        cause = poison
    continue_trace(delivery.headers.get("traceparent"), delivery.headers.get("ce_correlationid"))
    for failure in (cause, error):
        _, outgoing = FailureRouting(SETTINGS, "group", now=lambda: NOW).route(topic, delivery, failure)
        parts = [outgoing.key, *outgoing.headers, *outgoing.headers.values()]
        around = sum(len(part.encode()) for part in parts)
        assert around + 100 * len(outgoing.headers) < ENVELOPE_BYTES, "it fits beside the largest payload"
        again = delivery_of(
            message(dict(outgoing.headers), outgoing.value, outgoing.key.encode()), max_bytes=MAX
        )
        told = {name: text for name, text in outgoing.headers.items() if name in OF_A_LIFE}
        assert told.items() <= again.headers.items(), "whoever reads it next knows who failed, and why"
    letter = dead_message(delivery, prefix="", now=NOW)
    assert letter.attempts >= 1
    assert letter.first_failed_at <= NOW
    assert "\x00" not in letter.cause + letter.key + letter.group


CHANGED = st.dictionaries(
    st.sampled_from(["status", "sequence", "timestamp", "trackingId", "userId", "metadata", "applicationId"]),
    JSON,
)


@settings(max_examples=300, deadline=None)
@given(
    CHANGED,
    st.sampled_from(["9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00+14:00", "2026-11-27T10:00:00Z"]),
)
def test_what_the_door_lets_in_can_be_shown(changes, timestamp):
    """The door promises its handlers: no time overflows, every text and number can be written as JSON and stored."""
    told = {
        "applicationId": GOOD.key,
        "status": "approved",
        "timestamp": timestamp,
        "sequence": 3,
        "trackingId": "FL-1",
        "userId": "alice",
        "metadata": {},
        **changes,
    }
    body = json.dumps(told).encode()
    headers = {**GOOD.headers, "ce_type": STATUS_UPDATED.event_type}
    delivery = delivery_of(message(headers, body, GOOD.key.encode()), max_bytes=MAX)
    try:
        event: Event[Any] = read_event(STATUS_UPDATED, delivery)
    except Poison:
        return
    change = change_of_event(event.payload)
    assert cached_form(change).count(b"\x00") == 1
    assert abs(NOW - event.payload.timestamp) < timedelta(days=365 * 100)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("fundline-not-before", "9999-12-31T23:59:59+14:00"),
        ("fundline-not-before", "0001-01-01T00:00:00+14:00"),
        ("fundline-first-failure", "9999-12-31T23:59:59-14:00"),
        ("fundline-attempt", "9" * 5000),
        ("fundline-attempt", "-1"),
        ("fundline-attempt", "1e3"),
        ("fundline-replay", ""),
        ("ce_time", "9999-12-31T23:59:59+14:00"),
        ("ce_time", "yesterday"),
        ("ce_schemaversion", "9" * 5000),
        ("ce_schemaversion", "١"),
        ("ce_id", "x" * 5000),
        ("x", "\x00"),
    ],
)
def test_nonsense_in_one_header_is_poison_and_nothing_worse(header, value):
    """Seen: `fundline-not-before: 9999-12-31T23:59:59+14:00` ended every consumer of the topic, and again after each
    restart: the time overflowed in what handled the failure.
    """
    topic = every_topic()[0]
    delivery = delivery_of(
        message({**GOOD.headers, header: value}, GOOD.value, GOOD.key.encode()), max_bytes=MAX
    )
    delivery.not_before()
    with pytest.raises(Poison) as poison:
        read_event(topic, delivery)
    name, _ = FailureRouting(SETTINGS, "group", now=lambda: NOW).route(topic, delivery, poison.value)
    assert name == "dead_letter"


def test_headers_twice_without_value_too_many_and_not_utf8_are_poison():
    sound = list(GOOD.headers.items())
    for extra in (
        [("ce_id", b"again")],
        [("x", None)],
        [("x", b"\xff\xfe")],
        [("n" * 300, b"1")],
        [(f"x{number}", b"1") for number in range(100)],
        [("x", b"1" * 5000)],
        [(f"x{number}", b"1" * 4000) for number in range(5)],
    ):
        arrived = Message(
            topic="t", partition=0, offset=1, key=GOOD.key.encode(), value=GOOD.value, headers=sound + extra
        )
        with pytest.raises(Poison, match="bad headers"):
            read_event(every_topic()[0], delivery_of(arrived, max_bytes=MAX))


def test_a_dead_letter_full_of_strange_headers_still_says_who_gave_it_up_and_why():
    """Seen by tests/chaos/test_poison.py: ours came last and were cut, and the letters of two groups became one."""
    topic = every_topic()[0]
    crowd = {f"x{number}": "1" for number in range(150)}
    delivery = delivery_of(message({**GOOD.headers, **crowd}, GOOD.value, GOOD.key.encode()), max_bytes=MAX)
    with pytest.raises(Poison, match="more than 64") as poison:
        read_event(topic, delivery)
    _, dead = FailureRouting(SETTINGS, "group", now=lambda: NOW).route(topic, delivery, poison.value)
    kept = delivery_of(
        message(dict(dead.headers), dead.value, dead.key.encode(), topic.dead_letter), max_bytes=MAX
    )
    letter = dead_message(kept, prefix="", now=NOW)
    assert letter.group == "group"
    assert "more than 64" in letter.cause


def test_our_own_headers_never_make_a_good_event_bad():
    """A header of a stranger may fill the room of strangers; a retry adds ours, and the event is still good."""
    topic = every_topic()[0]
    room = 16_384 - sum(len(name) + len(value) for name, value in GOOD.headers.items())
    filling = {f"x{number}": "y" * 3000 for number in range((room - 100) // 3003)}
    delivery = delivery_of(message({**GOOD.headers, **filling}, GOOD.value, GOOD.key.encode()), max_bytes=MAX)
    routing = FailureRouting(SETTINGS, "group", now=lambda: NOW)
    for attempt in range(1, 5):
        assert read_event(topic, delivery).attempt == attempt
        name, retry = routing.route(topic, delivery, KeyError("\N{GRINNING FACE}" * 1000))
        assert name == "retry"
        delivery = delivery_of(message(dict(retry.headers), retry.value, retry.key.encode()), max_bytes=MAX)


def test_a_payload_that_is_too_large_is_cut_at_the_door_to_head_size_and_hash():
    value = b"\xff" * (MAX + 1)
    delivery = delivery_of(message(dict(GOOD.headers), value, GOOD.key.encode()), max_bytes=MAX)
    assert delivery.value == value[:HEAD_BYTES]
    assert delivery.cut is not None
    assert delivery.cut.size_bytes == len(value)
    with pytest.raises(Poison, match="too large"):
        read_event(every_topic()[0], delivery)
    _, letter = FailureRouting(SETTINGS, "group", now=lambda: NOW).route(
        every_topic()[0], delivery, Poison("too large")
    )
    assert letter.headers["fundline-cut-bytes"] == str(len(value))
    assert letter.headers["fundline-origin"] == "t/0/7"


def test_a_key_that_is_too_long_or_not_text_is_poison():
    for key in (b"k" * (LONGEST_KEY + 1), b"\xff" * 16, b"\x00"):
        with pytest.raises(Poison, match="bad key"):
            read_event(
                every_topic()[0], delivery_of(message(dict(GOOD.headers), GOOD.value, key), max_bytes=MAX)
            )


def test_the_largest_event_fits_into_the_largest_message_with_everything_that_is_added():
    assert (
        SETTINGS.event_max_bytes + ENVELOPE_BYTES
        <= SETTINGS.kafka_message_max_bytes
        == KAFKA_MESSAGE_MAX_BYTES
    )
    with pytest.raises(ValueError, match="event_max_bytes"):
        KafkaSettings(kafka_bootstrap="unused", event_max_bytes=KAFKA_MESSAGE_MAX_BYTES)


def test_every_dead_letter_topic_is_known_to_the_keeper():
    assert set(TOPIC_OF) == {topic.dead_letter for topic in every_topic()}
