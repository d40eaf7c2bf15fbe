"""Payments in the books, without a worker: each call is one transaction, as the disbursement worker has it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fundline.domain.ledger import Posting
from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.platform.clock import new_id
from fundline.platform.database import Database
from fundline.records.books import SNAPSHOT
from fundline.records.ledger import Correction, book_payment, correct
from fundline.records.ledger_views import Problem, verify

AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
AMOUNT = Money(5_000_000, "USD")
_OPEN = """
insert into disbursements (payment_id, application_id, amount_minor, currency, state, created_at)
values ($1, $2, $3, $4, 'expected', $5)
"""
_MOVE = """
update disbursements set state = $2, submitted_at = coalesce(submitted_at, $3),
    finished_at = case when $2 in ('settled', 'failed') then $3 when $2 = 'returned' then finished_at end,
    returned_at = case when $2 = 'returned' then $3 end,
    return_code = case when $2 = 'returned' then 'account_closed' end,
    transaction_id = case when $2 in ('settled', 'returned') then 't_' || replace(payment_id::text, '-', '') end,
    failure_code = case when $2 = 'failed' then 'account_closed' end
where payment_id = $1
"""


async def open_payment(
    database: Database, amount: Money = AMOUNT, *, application_id: UUID | None = None
) -> UUID:
    """A disbursement in the state expected; nothing is booked. Without an id it belongs to no application."""
    payment_id = new_id()
    await database.execute(
        _OPEN, payment_id, application_id or new_id(), amount.amount_minor, amount.currency, AT
    )
    return payment_id


async def reach(
    database: Database,
    payment_id: UUID,
    state: PaymentState,
    amount: Money = AMOUNT,
    *,
    at: datetime = AT,
) -> None:
    """Move a payment to a state and book what that means. Raises what the schema raises, and then nothing is moved."""
    async with database.transaction() as connection:
        await connection.execute(_MOVE, payment_id, state.value, at)
        await book_payment(connection, state, amount, payment_id=payment_id, new_id=new_id, at=at)


async def transfer_of(database: Database, payment_id: UUID, purpose: str) -> UUID:
    row = await database.fetchrow(
        "select transfer_id from ledger_transfers where payment_id = $1 and purpose = $2", payment_id, purpose
    )
    assert row is not None
    found: UUID = row["transfer_id"]
    return found


async def correct_transfer(
    database: Database, transfer_id: UUID, *, instead: tuple[Posting, ...] = (), at: datetime = AT
) -> None:
    correction = Correction(transfer_id, "booked to the wrong side", "olga", "omar")
    async with database.transaction() as connection:
        await correct(connection, correction, instead=instead, new_id=new_id, at=at, actor="tests")


async def problems(database: Database, at: datetime | None = None) -> list[Problem]:
    async with database.transaction() as connection:
        await connection.execute(SNAPSHOT)
        return await verify(connection, at)


async def sums(database: Database) -> dict[str, int]:
    """Debits less credits by currency, straight from the rows."""
    rows: list[Any] = await database.fetch(
        "select currency, sum(amount_minor)::bigint as total from ledger_postings group by currency"
    )
    return {row["currency"]: row["total"] for row in rows}
