"""The transactional outbox: an event is a row of the transaction that makes it true.

Positions rise in commit order for one key because its writer holds the row lock of that key's aggregate before it
inserts here; across keys they may not, which is why the relay deletes what it has sent instead of remembering a
last position (`position > last` skips a late commit).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from fundline.contracts.envelope import make_envelope
from fundline.contracts.payloads import Payload
from fundline.contracts.topics import Topic
from fundline.platform.database.pool import Connection
from fundline.platform.telemetry.context import current_trace

INSERT_EVENTS = """
insert into outbox (event_id, topic, key, payload, headers)
select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[])
"""

TAKE_BATCH = """
with batch as (
    delete from outbox
    where position = any(array(
        select position from outbox where topic <> all($2::text[]) order by position limit $1 for update skip locked
    ))
    returning position, topic, key, payload, headers, created_at
)
select position, topic, key, payload, headers,
       extract(epoch from clock_timestamp() - created_at)::float8 as age_s
from batch order by position
"""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event, ready to be stored: payload and headers as the JSON text that will travel."""

    event_id: UUID
    topic: str
    key: UUID
    payload: str
    headers: str


def outbox_row(
    topic: Topic, payload: Payload, *, key: UUID, event_id: UUID, source: str, at: datetime
) -> OutboxRow:
    """`source` is the publishing process. Trace and correlation come from the context."""
    trace = current_trace()
    envelope = make_envelope(
        event_id=event_id,
        event_type=topic.event_type,
        source=f"/fundline/{source}",
        at=at,
        subject=str(key),
        schema_version=topic.schema_version,
        correlation_id=trace.correlation_id,
        traceparent=trace.traceparent,
    )
    return OutboxRow(
        event_id, topic.name, key, payload.wire().decode(), orjson.dumps(envelope.headers()).decode()
    )


async def store_events(connection: Connection, rows: Sequence[OutboxRow]) -> None:
    """Call after the row of the aggregate is locked or inserted, inside the same transaction."""
    if rows:
        await connection.execute(INSERT_EVENTS, *as_columns(rows))


def as_columns(
    rows: Sequence[OutboxRow],
) -> tuple[list[UUID], list[str], list[UUID], list[str], list[str]]:
    return (
        [row.event_id for row in rows],
        [row.topic for row in rows],
        [row.key for row in rows],
        [row.payload for row in rows],
        [row.headers for row in rows],
    )
