"""The SQL on dead letters: those that wait, beside what the records say of the application that they are about."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.platform.database import Connection, Database

WAITING = """
select l.dead_letter_id, l.topic, l.consumer_group, l.event_id, l.payload,
       i.handled_at is not null as is_handled,
       a.application_id, a.tracking_id, a.user_id, a.status, a.amount_minor, a.currency,
       d.state as payment_state, d.payment_id, d.transaction_id, d.failure_code,
       (select coalesce(json_agg(json_build_array(h.status, h.metadata) order by h.sequence), '[]')::text
        from application_status_history h where h.application_id = a.application_id) as history,
       (select coalesce(json_agg(r.verdict order by r.assessment), '[]')::text
        from risk_assessments r where r.application_id = a.application_id) as verdicts,
       coalesce(t.attempts, 0) as tellings, t.last_at as told_at
from dead_letters l
join applications a using (application_id)
left join disbursements d on d.application_id = a.application_id and d.replaced_at is null
left join inbox i on i.consumer = l.consumer_group and i.event_id = l.event_id
left join reconciliation_attempts t on t.what = 'notification' and t.subject = l.dead_letter_id
where l.state in ('open', 'replay_requested') and l.event_id is not null and l.dead_letter_id > $1
order by l.dead_letter_id limit $2
"""
LOCK_WAITING = """
select 1 from dead_letters where dead_letter_id = $1 and state = 'open' for update
"""
COUNT_TELLING = """
insert into reconciliation_attempts as a (what, subject, since, attempts, last_at)
values ('notification', $1, $2, 1, $3)
on conflict on constraint reconciliation_attempts_one_per_state
do update set attempts = a.attempts + 1, last_at = excluded.last_at
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One row of an application's history."""

    status: str
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Matter:
    """A dead letter that waits, and what is on record about its application."""

    letter_id: UUID
    topic: str
    group: str
    event_id: UUID
    payload: bytes
    is_handled: bool
    """Its group has handled the event, as far as the inbox remembers."""
    application_id: UUID
    tracking_id: str
    user_id: str
    status: ApplicationStatus
    amount: Money
    payment_state: PaymentState | None
    payment_id: UUID | None
    transaction_id: str | None
    failure_code: str | None
    history: list[Change]
    """In order of sequence, from 1."""
    verdicts: list[str]
    """Of the assessments in their order, from 1."""
    tellings: int
    """How often the reconciler has sent the event again so that somebody is told."""
    told_at: datetime | None


async def waiting_letters(database: Database, *, after: UUID, limit: int) -> list[Matter]:
    """Those about an application that exists, in order of their ids."""
    return [_matter(row) for row in await database.fetch(WAITING, after, limit)]


async def still_waits(connection: Connection, letter_id: UUID) -> bool:
    """Locks the letter. Raises RowBusy while somebody acts on it."""
    return await connection.fetchval(LOCK_WAITING, letter_id) is not None


async def count_telling(
    connection: Connection, letter_id: UUID, *, happened_at: datetime, at: datetime
) -> None:
    await connection.execute(COUNT_TELLING, letter_id, happened_at, at)


def _matter(row: Any) -> Matter:
    state = row["payment_state"]
    return Matter(
        row["dead_letter_id"],
        row["topic"],
        row["consumer_group"],
        row["event_id"],
        row["payload"],
        row["is_handled"],
        row["application_id"],
        row["tracking_id"],
        row["user_id"],
        ApplicationStatus(row["status"]),
        Money(row["amount_minor"], row["currency"]),
        None if state is None else PaymentState(state),
        row["payment_id"],
        row["transaction_id"],
        row["failure_code"],
        [Change(*change) for change in orjson.loads(row["history"])],
        orjson.loads(row["verdicts"]),
        row["tellings"],
        row["told_at"],
    )
