"""Verifying the chains: every entry's hash is made again from its row, page by page, while writers go on.

Pages are short statements of their own: a long snapshot would hold back the database's clean-up. A stream only grows,
so pages of different moments fit together.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fundline.platform.audit.findings import Finding, Scratch
from fundline.platform.audit.trail import BEFORE_THE_FIRST, entry_digest, next_hash
from fundline.platform.database import Database

PAGE_ENTRIES = 5000
PAGE_HEADS = 2000

ENTRIES = """
select e.stream, e.sequence, e.occurred_at, e.actor, e.action, e.reason, e.details, e.evidence_hash, e.hash,
       h.sequence as head_sequence
from (select * from audit_entries where (stream, sequence) > ($1, $2) order by stream, sequence limit $3) e
left join audit_streams h using (stream)
order by e.stream, e.sequence
"""
HEADS = """
select h.stream, h.sequence, h.anchored_sequence, h.changed_at,
       (select e.hash = h.hash from audit_entries e where e.stream = h.stream and e.sequence = h.sequence) as agrees
from audit_streams h where h.stream > $1 order by h.stream limit $2
"""


@dataclass(slots=True)
class Counted:
    entries: int = 0
    streams: int = 0
    anchors: int = 0


@dataclass(slots=True)
class _Place:
    """Where the walk is in a stream; `hash` None: the entry before is missing, so nothing can be linked to it."""

    stream: str
    sequence: int
    hash: bytes | None
    head_sequence: int | None


async def check_entries(database: Database, counted: Counted) -> AsyncIterator[Finding]:
    """Edited, deleted, inserted and exchanged entries, and entries beyond their head."""
    place: _Place | None = None
    after: tuple[str, int] = ("", 0)
    while rows := await database.fetch(ENTRIES, *after, PAGE_ENTRIES):
        for row in rows:
            if place is None or row["stream"] != place.stream:
                for finding in _end_of(place):
                    yield finding
                place = _Place(row["stream"], 0, BEFORE_THE_FIRST, None)
            for finding in _step(place, row):
                yield finding
        counted.entries += len(rows)
        after = (rows[-1]["stream"], rows[-1]["sequence"])
    for finding in _end_of(place):
        yield finding


def _step(place: _Place, row: Any) -> list[Finding]:
    stream, sequence = row["stream"], row["sequence"]
    found: list[Finding] = []
    if sequence != place.sequence + 1:
        expected = place.sequence + 1
        found.append(
            Finding(
                "entry_missing",
                f"{stream}: entry {expected} is missing; entry {sequence} follows {place.sequence}.",
                stream,
                expected,
            )
        )
        place.hash = None
    digest = entry_digest(
        stream,
        row["occurred_at"],
        row["actor"],
        row["action"],
        row["reason"],
        row["details"],
        row["evidence_hash"],
    )
    if place.hash is not None and next_hash(place.hash, digest) != row["hash"]:
        found.append(
            Finding(
                "entry_changed",
                f"{stream}: entry {sequence} ({row['action']}) does not follow from the entry before: it was "
                "edited, moved or put in.",
                stream,
                sequence,
            )
        )
    place.sequence, place.hash, place.head_sequence = sequence, row["hash"], row["head_sequence"]
    return found


def _end_of(place: _Place | None) -> list[Finding]:
    if place is None or place.head_sequence == place.sequence:
        return []
    if place.head_sequence is None:
        sentence = f"{place.stream}: it has {place.sequence} entries and no head."
        return [Finding("head_missing", sentence, place.stream, place.sequence)]
    if place.head_sequence < place.sequence:
        sentence = (
            f"{place.stream}: the head says {place.head_sequence}, but entry {place.sequence} is there."
        )
        return [Finding("head_behind", sentence, place.stream, place.sequence)]
    return []  # a head beyond its entries is found from the head's side


async def check_heads(
    database: Database, scratch: Scratch, counted: Counted, *, now: datetime, anchored_within_s: float
) -> AsyncIterator[Finding]:
    """Heads without their entry, and entries that nobody anchored in time.

    Leaves the marks in `scratch`: they are compared with anchors that are read afterwards, and so are newer.
    """
    within = timedelta(seconds=anchored_within_s)
    after = ""
    while rows := await database.fetch(HEADS, after, PAGE_HEADS):
        scratch.mark((row["stream"], row["anchored_sequence"]) for row in rows)
        for row in rows:
            for finding in _check_head(row, now, within):
                yield finding
        counted.streams += len(rows)
        after = rows[-1]["stream"]


def _check_head(row: Any, now: datetime, within: timedelta) -> list[Finding]:
    stream, sequence, marked = row["stream"], row["sequence"], row["anchored_sequence"]
    found: list[Finding] = []
    if row["agrees"] is None:
        sentence = f"{stream}: the head says {sequence}, but there is no such entry: the end was cut off."
        found.append(Finding("tail_missing", sentence, stream, sequence))
    elif not row["agrees"]:
        sentence = f"{stream}: the head has another hash than entry {sequence}: one of them was replaced."
        found.append(Finding("head_changed", sentence, stream, sequence))
    if marked < sequence and abs(now - row["changed_at"]) > within:
        limit_s = within.total_seconds()
        sentence = (
            f"{stream}: the entries after {marked} have waited for an anchor for more than {limit_s:.0f} s."
        )
        found.append(Finding("unanchored", sentence, stream, sequence))
    return found
