"""The SQL of endings: what was asked for. What is written for them is that of `records/payment_results.py`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql

_ENDINGS = """
select e.ending_id, d.application_id, e.payment_id, d.amount_minor, d.currency, e.outcome, e.transaction_id, e.code,
       e.evidence, e.reason, e.state, e.requested_by, e.requested_at, e.decided_by, e.decided_at
from payment_endings e join disbursements d using (payment_id)
"""
ONE = _ENDINGS + "where e.ending_id = $1"
APPLICATION_OF = """
select d.application_id from payment_endings e join disbursements d using (payment_id) where e.ending_id = $1
"""
LOCK = "select 1 from payment_endings where ending_id = $1 for update"
PAGE = (
    _ENDINGS
    + """
where ($1::uuid is null or e.ending_id < $1) and ($2::text is null or e.state = $2)
order by e.ending_id desc limit $3
"""
)
LOCK_PAYMENT = """
select d.application_id, d.payment_id, d.amount_minor, d.currency, d.state, d.transaction_id,
       (select array_agg(c.kind) from cases c where c.subject = d.payment_id::text and c.state = 'open') as cases
from disbursements d where d.application_id = $1 and d.replaced_at is null for no key update of d
"""
PROPOSE = Sql("""
insert into payment_endings (ending_id, payment_id, outcome, transaction_id, code, evidence, reason, state,
                             requested_by, requested_at)
values (:ending_id, :payment_id, :outcome, :transaction_id, :code, :evidence, :reason, 'proposed', :by, :at)
""")
DECIDE = "update payment_endings set state = $2, decided_by = $3, decided_at = $4 where ending_id = $1"


async def page(database: Database, *, before: UUID | None, state: str | None, limit: int) -> list[Any]:
    """Newest first."""
    return await database.fetch(PAGE, before, state, limit)


async def find(queries: Database | Connection, ending_id: UUID) -> Any | None:
    return await queries.fetchrow(ONE, ending_id)


async def application_of(connection: Connection, ending_id: UUID) -> UUID | None:
    """To lock first, as whoever pays does."""
    found: UUID | None = await connection.fetchval(APPLICATION_OF, ending_id)
    return found


async def lock(connection: Connection, ending_id: UUID) -> Any:
    """Of an ending that exists. Raises RowBusy."""
    await connection.fetchval(LOCK, ending_id)
    return await connection.fetchrow(ONE, ending_id)


async def lock_payment(connection: Connection, application_id: UUID) -> Any | None:
    """With the kinds of its open cases. Raises RowBusy."""
    return await connection.fetchrow(LOCK_PAYMENT, application_id)


async def propose(
    connection: Connection,
    ending_id: UUID,
    payment_id: UUID,
    *,
    outcome: str,
    transaction_id: str | None,
    code: str | None,
    evidence: str,
    reason: str,
    by: str,
    at: datetime,
) -> None:
    """A second proposal for one payment violates payment_endings_one_open_per_payment."""
    await connection.execute(
        *PROPOSE(
            ending_id=ending_id,
            payment_id=payment_id,
            outcome=outcome,
            transaction_id=transaction_id,
            code=code,
            evidence=evidence,
            reason=reason,
            by=by,
            at=at,
        )
    )


async def decide(connection: Connection, ending_id: UUID, state: str, *, by: str, at: datetime) -> None:
    await connection.execute(DECIDE, ending_id, state, by, at)
