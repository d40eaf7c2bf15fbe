"""The SQL of the sweep: payments whose next step is due, and those that have been without a result for too long."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fundline.domain.disbursement import DisbursementState
from fundline.platform.database import Connection, Database
from fundline.services.disbursement_worker.store import DISBURSEMENTS, Disbursement, disbursement_of

CLAIM_DUE = """
with due as (
    select payment_id from disbursements
    where next_step_at <= $1 and state = any($3::text[])
    order by next_step_at limit $4 for no key update skip locked
)
update disbursements d set next_step_at = $2, steps = d.steps + 1
from due where d.payment_id = due.payment_id
returning d.application_id, d.payment_id, d.state, d.steps, d.accepted_at is not null as is_accepted
"""
NEXT_PAYMENT = """
select payment_id from disbursements where next_step_at is not null order by next_step_at limit 1
"""
OVERDUE = (
    DISBURSEMENTS
    + """
where state in ('submitted', 'unknown') and escalated_at is null and submitted_at <= $1
order by submitted_at limit $2
"""
)
MARK_ESCALATED = """
update disbursements set escalated_at = $2
where payment_id = $1 and escalated_at is null and state in ('submitted', 'unknown')
returning payment_id
"""
UNFINISHED = """
select state, count(*) as payments from disbursements where state not in ('settled', 'failed') group by state
"""


@dataclass(frozen=True, slots=True)
class DuePayment:
    """`steps`: how often the sweep has taken it since it was submitted, this time included.

    `is_accepted`: the bank has said before that it has the order.
    """

    application_id: UUID
    payment_id: UUID
    state: DisbursementState
    steps: int
    is_accepted: bool = False


async def claim_due(
    database: Database,
    *,
    now: datetime,
    claimed_until: datetime,
    states: frozenset[DisbursementState],
    limit: int,
) -> list[DuePayment]:
    """Each row goes to one caller until `claimed_until`; a caller that dies leaves it to be due again."""
    names = [state.value for state in states]
    return [
        DuePayment(
            row["application_id"],
            row["payment_id"],
            DisbursementState(row["state"]),
            row["steps"],
            row["is_accepted"],
        )
        for row in await database.fetch(CLAIM_DUE, now, claimed_until, names, limit)
    ]


async def next_payment(database: Database) -> UUID | None:
    """Of those that wait for a step, due or not; None when none waits."""
    row = await database.fetchrow(NEXT_PAYMENT)
    return None if row is None else row["payment_id"]


async def overdue(database: Database, *, submitted_until: datetime, limit: int) -> list[Disbursement]:
    """With the bank, without a result, and not escalated yet."""
    return [disbursement_of(row) for row in await database.fetch(OVERDUE, submitted_until, limit)]


async def mark_escalated(connection: Connection, payment_id: UUID, at: datetime) -> bool:
    """False when it has its result by now, or somebody else was first."""
    return await connection.fetchval(MARK_ESCALATED, payment_id, at) is not None


async def unfinished(database: Database) -> dict[str, int]:
    """How many payments are in each state that is not final."""
    return {row["state"]: row["payments"] for row in await database.fetch(UNFINISHED)}
