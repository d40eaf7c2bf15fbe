"""The worker's SQL: disbursements. Every function runs in the caller's transaction, on the primary."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fundline.domain.disbursement import DisbursementState
from fundline.domain.money import Money
from fundline.platform.database import Connection

OPEN_DISBURSEMENT = """
insert into disbursements (payment_id, application_id, amount_minor, currency, state, created_at)
values ($1, $2, $3, $4, $5, $6)
on conflict on constraint disbursements_one_per_application do nothing
returning payment_id
"""
LOCK_DISBURSEMENT = """
select payment_id, amount_minor, currency, state, transaction_id, failure_code
from disbursements where application_id = $1 for no key update
"""
MARK_SUBMITTED = "update disbursements set state = $2, submitted_at = $3 where payment_id = $1"
MARK_UNKNOWN = "update disbursements set state = $2 where payment_id = $1"
FINISH_DISBURSEMENT = """
update disbursements set state = $2, transaction_id = $3, failure_code = $4, finished_at = $5 where payment_id = $1
"""
READ_PAYOUT_ACCOUNT = "select payout_account from applications where application_id = $1"


@dataclass(frozen=True, slots=True)
class Disbursement:
    """A row of disbursements. `transaction_id` is the bank's, once settled; `failure_code` its, once failed."""

    payment_id: UUID
    amount: Money
    state: DisbursementState
    transaction_id: str | None
    failure_code: str | None


class DisbursementMissing(LookupError):
    """An application that was submitted to the bank has no disbursement: the record was tampered with."""


async def open_disbursement(
    connection: Connection, *, payment_id: UUID, application_id: UUID, amount: Money, at: datetime
) -> bool:
    """In the state expected. False when the application has its disbursement already."""
    opened = await connection.fetchval(
        OPEN_DISBURSEMENT,
        payment_id,
        application_id,
        amount.amount_minor,
        amount.currency,
        DisbursementState.EXPECTED.value,
        at,
    )
    return opened is not None


async def lock_disbursement(connection: Connection, application_id: UUID) -> Disbursement:
    """Raises DisbursementMissing."""
    row = await connection.fetchrow(LOCK_DISBURSEMENT, application_id)
    if row is None:
        raise DisbursementMissing(f"the application {application_id} has no disbursement")
    return Disbursement(
        row["payment_id"],
        Money(row["amount_minor"], row["currency"]),
        DisbursementState(row["state"]),
        row["transaction_id"],
        row["failure_code"],
    )


async def mark_submitted(
    connection: Connection, payment_id: UUID, state: DisbursementState, at: datetime
) -> None:
    await connection.execute(MARK_SUBMITTED, payment_id, state.value, at)


async def mark_unknown(connection: Connection, payment_id: UUID, state: DisbursementState) -> None:
    await connection.execute(MARK_UNKNOWN, payment_id, state.value)


async def finish_disbursement(
    connection: Connection,
    payment_id: UUID,
    state: DisbursementState,
    *,
    transaction_id: str | None,
    failure_code: str | None,
    at: datetime,
) -> None:
    await connection.execute(FINISH_DISBURSEMENT, payment_id, state.value, transaction_id, failure_code, at)


async def read_payout_account(connection: Connection, application_id: UUID) -> bytes:
    """Sealed, bound to the application's id."""
    sealed: bytes = await connection.fetchval(READ_PAYOUT_ACCOUNT, application_id)
    return sealed
