"""Streams that have grown since their last anchor: finding them, and noting what an anchor vouches for."""

from collections.abc import Sequence
from typing import Any, Protocol

from fundline.platform.audit.anchors import Head

UNANCHORED = """
select stream, sequence, hash from audit_streams
where anchored_sequence < sequence and stream > $1 order by stream limit $2
"""
MARK_ANCHORED = """
with free as (
    select stream from audit_streams where stream = any($1::text[]) for no key update skip locked
)
update audit_streams as head set anchored_sequence = anchored.sequence
from free join unnest($1::text[], $2::int[]) as anchored (stream, sequence) using (stream)
where head.stream = anchored.stream and head.anchored_sequence < anchored.sequence
"""
"""Never waits for a writer and so never holds one up: a stream that is being written to is anchored again later."""


class Statements(Protocol):
    async def fetch(self, sql: str, /, *arguments: Any) -> Sequence[Any]: ...


async def unanchored(database: Statements, *, after: str, limit: int) -> list[Head]:
    """In order of the streams' names."""
    rows = await database.fetch(UNANCHORED, after, limit)
    return [Head(row["stream"], row["sequence"], row["hash"]) for row in rows]


async def mark_anchored(database: Statements, heads: Sequence[Head]) -> None:
    """Only after the anchor is on the disk."""
    await database.fetch(MARK_ANCHORED, [head.stream for head in heads], [head.sequence for head in heads])
