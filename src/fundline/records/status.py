"""Moving an application's status: row lock, domain rule, history, event. One transaction, the caller's."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from fundline.contracts.payloads import StatusUpdated
from fundline.contracts.topics import STATUS_UPDATED
from fundline.domain.application import ApplicationStatus, StatusChange, change_status
from fundline.domain.money import Money
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import NewId
from fundline.platform.database import Connection
from fundline.platform.database.outbox import OutboxRow, outbox_row, store_events
from fundline.platform.database.sql import Sql
from fundline.records.audit_streams import application_stream

_LOCK_APPLICATION = """
select application_id, tracking_id, user_id, status, status_sequence, amount_minor, currency, updated_at
from applications where application_id = $1 for no key update
"""

_RECORD_CHANGE = Sql("""
with moved as (
    update applications set status = :status, status_sequence = :sequence, updated_at = :at
    where application_id = :application_id returning application_id
)
insert into application_status_history (application_id, sequence, status, occurred_at, actor, metadata)
select application_id, :sequence, :status, :at, :actor, :metadata::jsonb from moved
""")


class UnknownApplication(LookupError):
    """No application with this id exists: an event that names it is poison."""


@dataclass(frozen=True, slots=True)
class LockedApplication:
    """An application whose row this transaction holds: nobody else moves it meanwhile."""

    application_id: UUID
    tracking_id: str
    user_id: str
    status: ApplicationStatus
    sequence: int
    amount: Money
    changed_at: datetime


async def lock_application(connection: Connection, application_id: UUID) -> LockedApplication:
    """Lock the row on the primary. Raises UnknownApplication."""
    row = await connection.fetchrow(_LOCK_APPLICATION, application_id)
    if row is None:
        raise UnknownApplication(f"no application has the id {application_id}")
    return LockedApplication(
        row["application_id"],
        row["tracking_id"],
        row["user_id"],
        ApplicationStatus(row["status"]),
        row["status_sequence"],
        Money(row["amount_minor"], row["currency"]),
        row["updated_at"],
    )


async def move_application(
    connection: Connection,
    application: LockedApplication,
    asked: ApplicationStatus,
    *,
    at: datetime,
    actor: str,
    new_id: NewId,
    metadata: dict[str, Any] | None = None,
) -> LockedApplication:
    """Move to the next status and tell everybody. Raises IllegalTransition; returns the application as it is now.

    `at` is no earlier than the change before, so that a history never runs backwards, whoever's clock was wrong.
    `metadata` is shown to the applicant and in every stream: nothing secret goes in, and nothing that a person wrote.
    """
    at = max(at, application.changed_at)
    change = change_status(
        application.status, application.sequence, asked, at=at, actor=actor, metadata=metadata
    )
    await connection.execute(
        *_RECORD_CHANGE(
            application_id=application.application_id,
            status=change.status.value,
            sequence=change.sequence,
            at=at,
            actor=actor,
            metadata=orjson.dumps(change.metadata).decode(),
        )
    )
    await record(connection, status_entry(change, application.application_id))
    event = status_event(
        change,
        application_id=application.application_id,
        tracking_id=application.tracking_id,
        user_id=application.user_id,
        event_id=new_id(),
        source=actor.split(":", 1)[0],
    )
    await store_events(connection, [event])
    return LockedApplication(
        application.application_id,
        application.tracking_id,
        application.user_id,
        change.status,
        change.sequence,
        application.amount,
        at,
    )


def status_entry(change: StatusChange, application_id: UUID) -> AuditEntry:
    """What the audit trail says of a change."""
    details = {"sequence": change.sequence, **change.metadata}
    return AuditEntry(
        application_stream(application_id),
        change.actor,
        f"application.{change.status.value}",
        change.occurred_at,
        details=details,
    )


def status_event(
    change: StatusChange, *, application_id: UUID, tracking_id: str, user_id: str, event_id: UUID, source: str
) -> OutboxRow:
    payload = StatusUpdated(
        application_id=application_id,
        status=change.status.value,
        timestamp=change.occurred_at,
        sequence=change.sequence,
        tracking_id=tracking_id,
        user_id=user_id,
        metadata=change.metadata,
    )
    return outbox_row(
        STATUS_UPDATED, payload, key=application_id, event_id=event_id, source=source, at=change.occurred_at
    )
