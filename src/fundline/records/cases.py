"""Cases: what our processes may not settle by themselves waits here for a person, once per subject."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from fundline.platform.audit.rows import ROWS, read_rows
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.database import Connection, LeaderConnection
from fundline.platform.database.sql import Sql
from fundline.records.audit_streams import application_stream
from fundline.records.recorded_tables import CASES

OPEN = Sql("""
insert into cases (case_id, kind, subject, application_id, summary, details, state, opened_by, opened_at)
values (:case_id, :kind, :subject, :application_id, :summary, :details::jsonb, 'open', :opened_by, :at)
on conflict (kind, subject) where state = 'open' do nothing
returning case_id
""")
NOTE = Sql("""
insert into case_notes (note_id, case_id, sentence, noted_by, noted_at)
select :note_id, case_id, :sentence, :by, :at from cases
where kind = :kind and subject = :subject and state = 'open' and summary <> :sentence
on conflict on constraint case_notes_once do nothing
returning case_id
""")
SETTLE = Sql("""
update cases set state = 'resolved', resolved_by = :by, resolved_at = :at, resolution = :resolution
where kind = :kind and subject = :subject and state = 'open'
returning case_id, application_id
""")


class CaseKind(StrEnum):
    """One runbook page each."""

    PAYMENT_UNKNOWN = "payment_unknown"
    """The bank has not said for 15 minutes what became of a payment."""
    PAYMENT_CONTRADICTED = "payment_contradicted"
    """The bank says something else than what is on record."""
    PAYMENT_RETURNED = "payment_returned"
    """A payment was settled, and the money came back."""
    PAYMENT_RELEASE = "payment_release"
    """An amount above the limit waits for a second person."""
    FUNDING_SHORT = "funding_short"
    """Payments wait because the lender has committed no more."""
    BANK_MISMATCH = "bank_mismatch"
    """Our ledger and the bank's statement differ."""
    APPLICATION_STUCK = "application_stuck"
    """An application stayed in a state past its deadline, and no repair is allowed or has helped."""
    OUTBOX_STUCK = "outbox_stuck"
    """Events do not move to Kafka."""
    CONSUMER_LAG = "consumer_lag"
    """Messages wait, and no consumer takes them."""
    DEAD_LETTER = "dead_letter"
    """A dead letter that moves money or repeats."""
    AUDIT_BROKEN = "audit_broken"
    """The audit trail does not verify."""

    @property
    def is_about_money(self) -> bool:
        """Two people must agree on how it was resolved."""
        return self in {
            CaseKind.PAYMENT_UNKNOWN,
            CaseKind.PAYMENT_CONTRADICTED,
            CaseKind.PAYMENT_RETURNED,
            CaseKind.PAYMENT_RELEASE,
            CaseKind.BANK_MISMATCH,
        }


@dataclass(frozen=True, slots=True)
class NewCase:
    """`subject` is what the case is about; while one is open, a second of the same kind and subject is not opened."""

    kind: CaseKind
    subject: str
    summary: str
    application_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def stream(self) -> str:
        return case_stream(self.subject, self.application_id)


def case_stream(subject: str, application_id: UUID | None) -> str:
    """Of the audit trail: the application's where there is one."""
    return f"case:{subject}" if application_id is None else application_stream(application_id)


async def case_details(
    connection: Connection | LeaderConnection, case_id: UUID, kind: str, subject: str
) -> dict[str, Any]:
    """Of an entry about a case, once its row is written."""
    rows = await read_rows(connection, CASES, [case_id])
    return {"caseId": str(case_id), "kind": str(kind), "subject": subject, ROWS: rows}


async def open_case(
    connection: Connection | LeaderConnection, case: NewCase, *, case_id: UUID, opened_by: str, at: datetime
) -> bool:
    """In the caller's transaction. False when such a case is open already."""
    opened = await connection.fetchval(
        *OPEN(
            case_id=case_id,
            kind=case.kind.value,
            subject=case.subject,
            application_id=case.application_id,
            summary=case.summary,
            details=orjson.dumps(dict(case.details)).decode(),
            opened_by=opened_by,
            at=at,
        )
    )
    if opened is None:
        return False
    details = await case_details(connection, case_id, case.kind, case.subject)
    await record(connection, AuditEntry(case.stream(), opened_by, "case.opened", at, case.summary, details))
    return True


async def note_on_case(
    connection: Connection, case: NewCase, *, note_id: UUID, noted_by: str, at: datetime
) -> bool:
    """What such a case would say, on the one that is open, in the caller's transaction. False: it says so already."""
    case_id = await connection.fetchval(
        *NOTE(
            note_id=note_id,
            sentence=case.summary,
            by=noted_by,
            at=at,
            kind=case.kind.value,
            subject=case.subject,
        )
    )
    if case_id is None:
        return False
    details = {
        "noteId": str(note_id),
        **await case_details(connection, case_id, case.kind, case.subject),
        **case.details,
    }
    await record(connection, AuditEntry(case.stream(), noted_by, "case.noted", at, case.summary, details))
    return True


async def settle_case(
    connection: Connection, kind: CaseKind, subject: str, *, by: str, at: datetime, resolution: str
) -> bool:
    """What the case was about has been settled elsewhere, so it closes, in the caller's transaction.

    False when none was open.
    """
    row = await connection.fetchrow(
        *SETTLE(kind=kind.value, subject=subject, by=by, at=at, resolution=resolution)
    )
    if row is None:
        return False
    details = await case_details(connection, row["case_id"], kind, subject)
    stream = case_stream(subject, row["application_id"])
    await record(connection, AuditEntry(stream, by, "case.resolved", at, resolution, details))
    return True
