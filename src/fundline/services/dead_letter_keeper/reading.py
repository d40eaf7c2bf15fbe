"""What a message of a dead-letter topic says, as far as it can be read. Never fails: poison is what arrives here."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID

import orjson

from fundline.contracts.envelope import EnvelopeError, parse_envelope
from fundline.contracts.topics import every_topic
from fundline.platform.identifiers import uuid_in
from fundline.platform.kafka.messages import CAUSE, FIRST_FAILURE, GROUP, REPLAY, Delivery
from fundline.platform.kafka.outcomes import headers_of_cut
from fundline.records.dead_letters import DeadMessage

TOPIC_OF = {topic.dead_letter: topic for topic in every_topic()}
_NO_CAUSE = "The message does not say why."
_LONGEST_TEXT = 1000
_LONGEST_GROUP = 100
"""It is part of an index, whose rows have a limit."""
_EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""Nothing of ours is older; a stranger's year 1 is not a time that the database takes."""


def dead_message(delivery: Delivery, *, prefix: str, now: datetime) -> DeadMessage:
    """`prefix` is that of all topic names here; `now` counts as the time of the last failure."""
    topic = TOPIC_OF[delivery.topic.removeprefix(prefix)]
    told = dict(delivery.headers)
    if (
        delivery.cut is not None
    ):  # somebody else's: no consumer of ours writes a dead letter that is too large
        told |= headers_of_cut(delivery.cut, origin=delivery.place)
    headers = orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()
    first = delivery.moment(FIRST_FAILURE)
    return DeadMessage(
        place=(delivery.topic, delivery.partition, delivery.offset),
        digest=hashlib.sha256(b"\n".join((delivery.key.encode(), headers.encode(), delivery.value))).digest(),
        topic=topic.name,
        group=_text(delivery.headers.get(GROUP, ""))[:_LONGEST_GROUP],
        event_id=_event_id(delivery),
        key=_text(delivery.key),
        key_id=uuid_in(delivery.key),
        payload=delivery.value,
        headers=headers,
        cause=_text(delivery.headers.get(CAUSE, "")) or _NO_CAUSE,
        attempts=delivery.attempt,
        first_failed_at=now if first is None else min(max(first, _EARLIEST), now),
        last_failed_at=now,
        replay=delivery.count(REPLAY, 0),
        moves_money=topic.moves_money,
    )


def _event_id(delivery: Delivery) -> UUID | None:
    try:
        return parse_envelope(delivery.headers).event_id
    except EnvelopeError:
        return None


def bare_message(delivery: Delivery, *, prefix: str, now: datetime, cause: str) -> DeadMessage:
    """What is kept of a message that could not be kept as it is: its bytes and its place, and nothing of its texts."""
    topic = TOPIC_OF[delivery.topic.removeprefix(prefix)]
    return DeadMessage(
        place=(delivery.topic, delivery.partition, delivery.offset),
        digest=hashlib.sha256(delivery.value).digest(),
        topic=topic.name,
        group="",
        event_id=None,
        key="",
        key_id=None,
        payload=delivery.value,
        headers="{}",
        cause=f"The keeper could not read it: {_text(cause)}",
        attempts=1,
        first_failed_at=now,
        last_failed_at=now,
        replay=0,
        moves_money=topic.moves_money,
    )


def _text(text: str) -> str:
    """For a column: no longer than it helps, and without the one character that PostgreSQL does not take."""
    return text[:_LONGEST_TEXT].replace("\x00", "\N{REPLACEMENT CHARACTER}")
