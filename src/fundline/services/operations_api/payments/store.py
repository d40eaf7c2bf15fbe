"""The SQL of payments, as the operations API reads and releases them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fundline.domain.payment import PaymentState
from fundline.platform.database import Connection, Database

_PAYMENTS = """
select d.application_id, d.payment_id, d.amount_minor, d.currency, d.state, d.approved_by, d.needs_release,
       d.released_by, d.released_at, d.release_reason, d.created_at, d.requested_at, d.submitted_at, d.unknown_since,
       d.next_step_at, d.steps, d.escalated_at, d.finished_at, d.transaction_id, d.failure_code,
       array(select e.payment_id from disbursements e where e.application_id = d.application_id
             and e.replaced_at is not null order by e.replaced_at) as replaced
from disbursements d
"""
ONE_PAYMENT = _PAYMENTS + "where d.application_id = $1 and d.replaced_at is null"
LOCK_PAYMENT = ONE_PAYMENT + " for no key update"
PAGE_OF_PAYMENTS = (
    _PAYMENTS
    + """
where d.replaced_at is null and ($1::uuid is null or d.application_id < $1) and ($2::text is null or d.state = $2)
  and ($3::boolean is null or (d.needs_release and d.released_by is null and d.state = 'requested') = $3)
order by d.application_id desc limit $4
"""
)
RELEASE = """
update disbursements set released_by = $2, released_at = $3, release_reason = $4, next_step_at = $5
where payment_id = $1
"""
REFUSE = """
update disbursements set state = $2, failure_code = $3, finished_at = $4, next_step_at = null where payment_id = $1
"""


async def find_payment(database: Database, application_id: UUID) -> Any | None:
    return await database.fetchrow(ONE_PAYMENT, application_id)


async def page_of_payments(
    database: Database, *, before: UUID | None, state: str | None, waits_for_release: bool | None, limit: int
) -> list[Any]:
    """The newest application first."""
    return await database.fetch(PAGE_OF_PAYMENTS, before, state, waits_for_release, limit)


async def lock_payment(connection: Connection, application_id: UUID) -> Any | None:
    return await connection.fetchrow(LOCK_PAYMENT, application_id)


async def release(
    connection: Connection,
    payment_id: UUID,
    *,
    released_by: str,
    at: datetime,
    reason: str,
    next_step_at: datetime,
) -> None:
    """The same subject as the approver violates disbursements_released_by_a_second_person."""
    await connection.execute(RELEASE, payment_id, released_by, at, reason, next_step_at)


async def refuse(
    connection: Connection, payment_id: UUID, state: PaymentState, *, failure_code: str, at: datetime
) -> None:
    await connection.execute(REFUSE, payment_id, state.value, failure_code, at)
