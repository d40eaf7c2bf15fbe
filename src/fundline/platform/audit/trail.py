"""Writing the audit trail: an entry is a row of the transaction that makes it true.

Each stream, named `<noun>:<id>`, is a chain of its own: `hash = sha256(hash before || digest of the entry)`, and
the first one follows 32 zero bytes. Writers of one stream wait on its head's row, writers of different streams never
meet: there is no global lock. What happened before the last anchor cannot be cut off unseen; see `anchors.py`.
Sources: RFC 9162 (certificate transparency) for anchored heads, Schneier and Kelsey 1999 for chains of hashes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import orjson

from fundline.contracts.payloads import iso_utc

BEFORE_THE_FIRST = bytes(32)

APPEND = """
with head as (
    insert into audit_streams as stream_head (stream, sequence, hash) values ($1, 1, sha256($9::bytea || $8::bytea))
    on conflict (stream) do update
        set sequence = stream_head.sequence + 1, hash = sha256(stream_head.hash || $8::bytea),
            changed_at = clock_timestamp()
    returning stream, sequence, hash
)
insert into audit_entries (stream, sequence, occurred_at, actor, action, reason, details, evidence_hash, hash)
select stream, sequence, $2, $3, $4, $5, $6, $7, hash from head
"""


class Statements(Protocol):
    """A connection in a transaction: of the pool, or a leader's own."""

    async def execute(self, sql: str, /, *arguments: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that happened.

    `actor` is a process, or `process:subject` when a person asked for it; `action` a constant, `noun.what_happened`.
    `details` is JSON that anybody with the role compliance may read: never an account number, a token or a body.
    `evidence`: the bytes that the action rested on; only their SHA-256 is kept here.
    """

    stream: str
    actor: str
    action: str
    at: datetime
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    evidence: bytes | None = None

    def details_text(self) -> str:
        return orjson.dumps(dict(self.details), option=orjson.OPT_SORT_KEYS).decode()

    def evidence_hash(self) -> bytes | None:
        return None if self.evidence is None else hashlib.sha256(self.evidence).digest()

    def digest(self) -> bytes:
        return entry_digest(
            self.stream,
            self.at,
            self.actor,
            self.action,
            self.reason,
            self.details_text(),
            self.evidence_hash(),
        )


def entry_digest(
    stream: str,
    at: datetime,
    actor: str,
    action: str,
    reason: str,
    details_text: str,
    evidence_hash: bytes | None,
) -> bytes:
    """SHA-256 of the entry as a JSON array: no two different entries have the same text."""
    text = orjson.dumps(
        [
            stream,
            iso_utc(at),
            actor,
            action,
            reason,
            details_text,
            None if evidence_hash is None else evidence_hash.hex(),
        ]
    )
    return hashlib.sha256(text).digest()


def next_hash(before: bytes, digest: bytes) -> bytes:
    return hashlib.sha256(before + digest).digest()


def frozen_form(document: str | bytes) -> bytes:
    """The one form of a JSON document to hash: a jsonb column keeps neither spaces nor the order of its keys."""
    return orjson.dumps(orjson.loads(document), option=orjson.OPT_SORT_KEYS)


async def record(connection: Statements, *entries: AuditEntry) -> None:
    """Append, in the caller's transaction. Lock the row that the entry is about first: lock order is row, then head."""
    for entry in entries:
        await connection.execute(
            APPEND,
            entry.stream,
            entry.at,
            entry.actor,
            entry.action,
            entry.reason,
            entry.details_text(),
            entry.evidence_hash(),
            entry.digest(),
            BEFORE_THE_FIRST,
        )
