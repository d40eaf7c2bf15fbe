"""The SQL of funding: sources with what is left, and commitments as they are asked for and agreed to."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fundline.domain.money import Money
from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql

SOURCES = (
    "select account, currency, committed_minor, drawn_minor from funding_balances order by currency, account"
)
_COMMITMENTS = """
select commitment_id, account, currency, amount_minor, reason, state, requested_by, requested_at, decided_by, decided_at
from funding_commitments
"""
ONE = _COMMITMENTS + "where commitment_id = $1"
LOCKED = ONE + " for update"
PAGE = (
    _COMMITMENTS
    + """
where ($1::uuid is null or commitment_id < $1) and ($2::text is null or state = $2)
order by commitment_id desc limit $3
"""
)
IS_SOURCE = "select 1 from funding_balances where account = $1 and currency = $2"
PROPOSE = Sql("""
insert into funding_commitments (commitment_id, account, currency, amount_minor, reason, state, requested_by,
                                 requested_at)
values (:commitment_id, :account, :currency, :amount_minor, :reason, 'proposed', :by, :at)
""")
DECIDE = (
    "update funding_commitments set state = $2, decided_by = $3, decided_at = $4 where commitment_id = $1"
)
GO_ON = """
update disbursements set next_step_at = $2
where state = 'requested' and currency = $1 and next_step_at > $2
"""


async def sources(database: Database) -> list[Any]:
    return await database.fetch(SOURCES)


async def page(database: Database, *, before: UUID | None, state: str | None, limit: int) -> list[Any]:
    """Newest first."""
    return await database.fetch(PAGE, before, state, limit)


async def lock(connection: Connection, commitment_id: UUID) -> Any | None:
    """As it is while this transaction holds it. Raises RowBusy."""
    return await connection.fetchrow(LOCKED, commitment_id)


async def is_source(connection: Connection, account: str, currency: str) -> bool:
    return await connection.fetchval(IS_SOURCE, account, currency) is not None


async def propose(
    connection: Connection,
    commitment_id: UUID,
    *,
    account: str,
    amount: Money,
    reason: str,
    by: str,
    at: datetime,
) -> None:
    await connection.execute(
        *PROPOSE(
            commitment_id=commitment_id,
            account=account,
            currency=amount.currency,
            amount_minor=amount.amount_minor,
            reason=reason,
            by=by,
            at=at,
        )
    )


async def decide(connection: Connection, commitment_id: UUID, state: str, *, by: str, at: datetime) -> None:
    """Agreed: it counts at once; less than what is drawn violates funding_balances_within_commitment."""
    await connection.execute(DECIDE, commitment_id, state, by, at)


async def go_on(connection: Connection, currency: str, at: datetime) -> None:
    """Payments that wait for money are due now; a worker looks again."""
    await connection.execute(GO_ON, currency, at)
