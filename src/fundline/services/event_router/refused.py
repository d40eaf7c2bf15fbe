"""An event of ours that Kafka will never take becomes a dead letter, in the transaction that takes it from the outbox.

Nobody has seen the event, so its letter names the router as the group that gave it up, and a replay sends it,
corrected, to the topic itself.
"""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from fundline.contracts.envelope import EnvelopeError, parse_envelope
from fundline.contracts.topics import Group, Topic, every_topic
from fundline.platform.clock import NewId
from fundline.platform.database import LeaderConnection
from fundline.platform.kafka.messages import REPLAY, count_in
from fundline.records.dead_letters import PUBLISHER, DeadMessage, Kept, keep_letter

OUTBOX = "outbox"
"""Stands where the topic of an arrival is named; its offset is the position in the outbox."""


async def set_aside(
    connection: LeaderConnection, row: Any, cause: str, *, at: datetime, new_id: NewId
) -> Kept | None:
    """`row`: `position, topic, key, payload, headers` of the outbox. In the caller's transaction."""
    topic, group = _destination(row["topic"])
    payload: bytes = row["payload"].encode()
    headers: dict[str, str] = orjson.loads(row["headers"])
    message = DeadMessage(
        place=(OUTBOX, 0, row["position"]),
        digest=hashlib.sha256(row["headers"].encode() + b"\n" + payload).digest(),
        topic=topic.name,
        group=group,
        event_id=_event_id(headers),
        key=str(row["key"]),
        key_id=row["key"],
        payload=payload,
        headers=row["headers"],
        cause=f"Kafka refuses it: {cause}",
        attempts=1,
        first_failed_at=at,
        last_failed_at=at,
        replay=count_in(headers.get(REPLAY, "")) or 0,
        moves_money=topic.moves_money,
    )
    return await keep_letter(connection, message, actor=PUBLISHER, new_id=new_id)


def _destination(name: str) -> tuple[Topic, str]:
    """The topic of the table, and who gave the event up: a retry topic has one reader, which has failed on it."""
    destinations: dict[str, tuple[Topic, str]] = {}
    for topic in every_topic():
        destinations[topic.name] = (topic, PUBLISHER)
        destinations |= {topic.retry(group): (topic, Group(group).value) for group in topic.groups}
    return destinations[name]


def _event_id(headers: dict[str, str]) -> UUID | None:
    try:
        return parse_envelope(headers).event_id
    except EnvelopeError:
        return None
