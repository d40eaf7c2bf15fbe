"""An application's story, as its stream of the audit trail tells it: who, what, when, why, on which evidence."""

from typing import Any
from uuid import UUID

import orjson

from fundline.contracts.payloads import iso_utc
from fundline.platform.audit.rows import ROWS
from fundline.platform.database import Database
from fundline.records.audit_streams import application_stream
from fundline.records.references import application_id_of

APPLICATION_BY_ID = """
select application_id, tracking_id, user_id, status from applications where application_id = $1
"""
ENTRIES = """
select e.sequence, e.occurred_at, e.actor, e.action, e.reason, e.details, e.evidence_hash, e.hash,
       e.sequence <= h.anchored_sequence as anchored
from audit_entries e left join audit_streams h using (stream)
where e.stream = $1 and e.sequence > $2 order by e.sequence limit $3
"""


async def find_application(database: Database, text: str) -> Any | None:
    """By its id or its tracking id, as people write them. Raises MistypedTrackingId."""
    application_id = await application_id_of(database, text)
    return None if application_id is None else await database.fetchrow(APPLICATION_BY_ID, application_id)


async def story_of(
    database: Database, application_id: UUID, *, after: int = 0, limit: int = 1000
) -> list[dict[str, Any]]:
    """The entries behind number `after`, in order."""
    rows = await database.fetch(ENTRIES, application_stream(application_id), after, limit)
    return [_view(row) for row in rows]


def _view(row: Any) -> dict[str, Any]:
    process, _, subject = row["actor"].partition(":")
    evidence = row["evidence_hash"]
    return {
        "sequence": row["sequence"],
        "at": iso_utc(row["occurred_at"]),
        "process": process,
        "subject": subject or None,
        "action": row["action"],
        "reason": row["reason"],
        "details": _without_rows(row["details"]),
        "evidenceHash": None if evidence is None else evidence.hex(),
        "hash": row["hash"].hex(),
        "anchored": bool(row["anchored"]),
    }


def _without_rows(details: str) -> dict[str, Any]:
    """Without what `fundline audit verify` compares with the rows: most of that stands there as digests."""
    parsed: dict[str, Any] = orjson.loads(details)
    parsed.pop(ROWS, None)
    return parsed
