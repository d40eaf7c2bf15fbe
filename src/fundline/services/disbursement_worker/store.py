"""The worker's SQL: disbursements. Every function runs in the caller's transaction, on the primary."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
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
DISBURSEMENTS = """
select application_id, payment_id, amount_minor, currency, state, approved_by, needs_release, released_by, order_text,
       submitted_at, steps, escalated_at, transaction_id, failure_code
from disbursements
"""
LOCK_DISBURSEMENT = DISBURSEMENTS + "where application_id = $1 for no key update"
APPLICATION_OF_PAYMENT = "select application_id from disbursements where payment_id = $1"
PAYOUT_TERMS = """
select a.payout_account, l.paid_without_minor, u.decided_by,
       (select r.policy_version || '/' || r.model_version from risk_assessments r
        where r.application_id = a.application_id order by r.assessment desc limit 1) as policy
from applications a
left join payment_release_limits l on l.currency = a.currency
left join underwriter_decisions u on u.application_id = a.application_id and u.decision = 'approve'
where a.application_id = $1
"""
MARK_REQUESTED = """
update disbursements set state = $2, requested_at = $3, approved_by = $4, needs_release = $5 where payment_id = $1
"""
MARK_SUBMITTED = """
update disbursements set state = $2, submitted_at = $3, order_text = $4, next_step_at = $5, steps = 0
where payment_id = $1
"""
MARK_UNKNOWN = "update disbursements set state = $2, unknown_since = $3 where payment_id = $1"
MARK_ACCEPTED = """
update disbursements set accepted_at = $2
where payment_id = $1 and accepted_at is null and state in ('submitted', 'unknown')
"""
FINISH_DISBURSEMENT = """
update disbursements set state = $2, transaction_id = $3, failure_code = $4, finished_at = $5, next_step_at = null
where payment_id = $1
"""
SCHEDULE = """
update disbursements set next_step_at = $2
where payment_id = $1 and state in ('requested', 'submitted', 'unknown')
"""


@dataclass(frozen=True, slots=True)
class Disbursement:
    """A row of disbursements. `transaction_id` is the bank's, once settled; `failure_code` its, once failed."""

    application_id: UUID
    payment_id: UUID
    amount: Money
    state: DisbursementState
    approved_by: str | None
    needs_release: bool
    released_by: str | None
    order_text: str | None
    submitted_at: datetime | None
    steps: int
    escalated_at: datetime | None
    transaction_id: str | None
    failure_code: str | None


@dataclass(frozen=True, slots=True)
class PayoutTerms:
    """`sealed_account` is bound to the application; `paid_without_minor` is the limit without a second person, if any;
    `approved_by` the underwriter, or the policy with its model."""

    sealed_account: bytes
    paid_without_minor: int | None
    approved_by: str
    is_by_policy: bool
    """No person has approved it."""


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
    return disbursement_of(row)


def disbursement_of(row: Any) -> Disbursement:
    return Disbursement(
        row["application_id"],
        row["payment_id"],
        Money(row["amount_minor"], row["currency"]),
        DisbursementState(row["state"]),
        row["approved_by"],
        row["needs_release"],
        row["released_by"],
        row["order_text"],
        row["submitted_at"],
        row["steps"],
        row["escalated_at"],
        row["transaction_id"],
        row["failure_code"],
    )


async def application_of_payment(connection: Connection, payment_id: UUID) -> UUID | None:
    found: UUID | None = await connection.fetchval(APPLICATION_OF_PAYMENT, payment_id)
    return found


async def payout_terms(connection: Connection, application_id: UUID) -> PayoutTerms:
    """Of an application that exists."""
    row = await connection.fetchrow(PAYOUT_TERMS, application_id)
    if row is None:
        raise DisbursementMissing(f"the application {application_id} does not exist")
    approved_by = row["decided_by"] or f"policy:{row['policy'] or 'unrecorded'}"
    is_by_policy = row["decided_by"] is None
    return PayoutTerms(row["payout_account"], row["paid_without_minor"], approved_by, is_by_policy)


async def mark_requested(
    connection: Connection,
    payment_id: UUID,
    state: DisbursementState,
    *,
    at: datetime,
    approved_by: str,
    needs_release: bool,
) -> None:
    await connection.execute(MARK_REQUESTED, payment_id, state.value, at, approved_by, needs_release)


async def mark_submitted(
    connection: Connection,
    payment_id: UUID,
    state: DisbursementState,
    *,
    at: datetime,
    order_text: str,
    next_step_at: datetime,
) -> None:
    await connection.execute(MARK_SUBMITTED, payment_id, state.value, at, order_text, next_step_at)


async def mark_unknown(
    connection: Connection, payment_id: UUID, state: DisbursementState, at: datetime
) -> None:
    await connection.execute(MARK_UNKNOWN, payment_id, state.value, at)


async def mark_accepted(connection: Connection, payment_id: UUID, at: datetime) -> None:
    """The bank has the order: from now on, one that does not know the payment has lost it."""
    await connection.execute(MARK_ACCEPTED, payment_id, at)


async def schedule(connection: Connection, payment_id: UUID, next_step_at: datetime) -> None:
    """When the sweep goes on with a payment that has no result yet."""
    await connection.execute(SCHEDULE, payment_id, next_step_at)


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
