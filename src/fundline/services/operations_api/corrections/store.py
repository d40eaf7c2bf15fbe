"""The SQL of ledger corrections: what was asked for. What is booked for them is `records/ledger.py`'s."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql

_CORRECTIONS = """
select c.correction_id, c.transfer_id, t.payment_id, t.purpose, c.instead::text, c.reason, c.state, c.requested_by,
       c.requested_at, c.decided_by, c.decided_at, c.reversal_id
from ledger_corrections c join ledger_transfers t using (transfer_id)
"""
ONE = _CORRECTIONS + "where correction_id = $1"
LOCKED = "select 1 from ledger_corrections where correction_id = $1 for update"
PAGE = (
    _CORRECTIONS
    + """
where ($1::uuid is null or correction_id < $1) and ($2::text is null or state = $2)
order by correction_id desc limit $3
"""
)
PROPOSE = Sql("""
insert into ledger_corrections (correction_id, transfer_id, instead, reason, state, requested_by, requested_at)
values (:correction_id, :transfer_id, :instead::jsonb, :reason, 'proposed', :by, :at)
""")
DECIDE = Sql("""
update ledger_corrections set state = :state, decided_by = :by, decided_at = :at, reversal_id = :reversal_id
where correction_id = :correction_id
""")
TRANSFER = """
select t.payment_id, t.purpose, d.application_id, d.state, a.user_id,
       exists (select 1 from ledger_transfers r
               where r.corrects = t.transfer_id and r.purpose = 'reversal') as is_reversed
from ledger_transfers t left join disbursements d using (payment_id) left join applications a using (application_id)
where t.transfer_id = $1
"""
UNKNOWN_ACCOUNTS = """
select account from unnest($1::text[]) as asked (account)
where not exists (select 1 from ledger_accounts known where known.account = asked.account)
"""


async def page(database: Database, *, before: UUID | None, state: str | None, limit: int) -> list[Any]:
    """Newest first."""
    return await database.fetch(PAGE, before, state, limit)


async def find(database: Database, correction_id: UUID) -> Any | None:
    return await database.fetchrow(ONE, correction_id)


async def lock(connection: Connection, correction_id: UUID) -> Any | None:
    """As it is while this transaction holds it. Raises RowBusy."""
    if await connection.fetchval(LOCKED, correction_id) is None:
        return None
    return await connection.fetchrow(ONE, correction_id)


async def propose(
    connection: Connection,
    correction_id: UUID,
    transfer_id: UUID,
    *,
    instead: str | None,
    reason: str,
    by: str,
    at: datetime,
) -> None:
    """A second proposal for one transfer violates ledger_corrections_one_open_per_transfer."""
    await connection.execute(
        *PROPOSE(
            correction_id=correction_id, transfer_id=transfer_id, instead=instead, reason=reason, by=by, at=at
        )
    )


async def decide(
    connection: Connection,
    correction_id: UUID,
    state: str,
    *,
    by: str,
    at: datetime,
    reversal_id: UUID | None = None,
) -> None:
    await connection.execute(
        *DECIDE(correction_id=correction_id, state=state, by=by, at=at, reversal_id=reversal_id)
    )


async def transfer(connection: Connection, transfer_id: UUID) -> Any:
    """Its payment with its state, purpose, application, applicant, whether it is reversed; None when there is none."""
    return await connection.fetchrow(TRANSFER, transfer_id)


async def unknown_accounts(connection: Connection, accounts: list[str]) -> list[str]:
    return [row["account"] for row in await connection.fetch(UNKNOWN_ACCOUNTS, accounts)]
