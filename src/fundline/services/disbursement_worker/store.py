"""The worker's SQL: payments, the rows of `disbursements`. What takes a connection runs in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql

_COLUMNS = """
d.application_id, d.payment_id, d.amount_minor, d.currency, d.state, d.approved_by, d.needs_release, d.released_by,
d.order_text, d.submitted_at, d.accepted_at, d.steps, d.transaction_id, d.failure_code
"""
OPEN = Sql("""
insert into disbursements (payment_id, application_id, amount_minor, currency, state, created_at)
values (:payment_id, :application_id, :amount_minor, :currency, :state, :at)
on conflict (application_id) where replaced_at is null do nothing
returning payment_id
""")
LOCK = f"select {_COLUMNS} from disbursements d where payment_id = $1 for no key update"  # noqa: S608 - our own columns
LOCK_CURRENT = f"""
select {_COLUMNS} from disbursements d where application_id = $1 and replaced_at is null for no key update
"""  # noqa: S608 - our own columns
APPLICATION_OF = "select application_id from disbursements where payment_id = $1"
TERMS = """
select a.payout_account, a.business ->> 'legalName' as payee_name, l.paid_without_minor, u.decided_by,
       (select r.policy_version || '/' || r.model_version from risk_assessments r
        where r.application_id = a.application_id order by r.assessment desc limit 1) as policy
from applications a
left join payment_release_limits l on l.currency = a.currency
left join underwriter_decisions u on u.application_id = a.application_id and u.decision = 'approve'
where a.application_id = $1
"""
MARK_REQUESTED = Sql("""
update disbursements
set state = :state, requested_at = :at, approved_by = :approved_by, needs_release = :needs_release
where payment_id = :payment_id
""")
MARK_SUBMITTED = Sql("""
update disbursements
set state = :state, submitted_at = :at, order_text = :order_text, next_step_at = :next_step_at, steps = 0
where payment_id = :payment_id
""")
MARK_UNKNOWN = Sql(
    "update disbursements set state = :state, unknown_since = :at where payment_id = :payment_id"
)
MARK_ACCEPTED = """
update disbursements set accepted_at = $2
where payment_id = $1 and accepted_at is null and state in ('submitted', 'unknown')
"""
SCHEDULE = """
update disbursements set next_step_at = $2
where payment_id = $1
    and (state in ('requested', 'submitted', 'unknown') or state = 'settled' and next_step_at is not null)
"""
SETTLED_AS_BEFORE = "update disbursements set next_step_at = null where payment_id = $1 and state = 'settled'"
CLAIM_DUE = Sql(f"""
with due as (
    select payment_id from disbursements
    where next_step_at <= :now and state = any(:states::text[])
    order by next_step_at limit :most for no key update skip locked
)
update disbursements d set next_step_at = :claimed_until, steps = d.steps + 1
from due where d.payment_id = due.payment_id
returning {_COLUMNS}
""")  # noqa: S608 - our own columns
IS_BEING_ENDED = "select exists (select from payment_endings where payment_id = $1 and state = 'proposed')"
IS_HELD = """
select exists (
    select from cases c
    where kind = 'payment_contradicted' and subject = $1::uuid::text and state = 'open'
      and (details ->> 'cause' is distinct from 'lost' or exists (select from case_notes n where n.case_id = c.case_id))
)
"""
NEXT_PAYMENT = """
select payment_id from disbursements where next_step_at is not null order by next_step_at limit 1
"""
OVERDUE = f"""
select {_COLUMNS} from disbursements d
where state in ('submitted', 'unknown') and escalated_at is null and submitted_at <= $1
order by submitted_at limit $2
"""  # noqa: S608 - our own columns
MARK_ESCALATED = """
update disbursements set escalated_at = $2
where payment_id = $1 and escalated_at is null and state in ('submitted', 'unknown')
returning payment_id
"""
UNFINISHED = """
select state, count(*) as payments from disbursements where state not in ('settled', 'failed', 'returned')
group by state
"""
UNFUNDED = """
select s.currency, count(d.payment_id) as payments
from funding_sources s
join cases c on c.kind = 'funding_short' and c.state = 'open' and c.subject = s.account || ':' || s.currency
join disbursements d on d.currency = s.currency and d.state = 'requested'
    and (not d.needs_release or d.released_by is not null)
group by s.currency
"""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as its row has it. `transaction_id` is the bank's, once settled; `failure_code` its, once failed.

    `is_accepted`: the bank has said before that it has the order. `steps`: how often the sweep has taken the payment
    since it was submitted.
    """

    application_id: UUID
    payment_id: UUID
    amount: Money
    state: PaymentState
    approved_by: str | None
    needs_release: bool
    released_by: str | None
    order_text: str | None
    submitted_at: datetime | None
    is_accepted: bool
    steps: int
    transaction_id: str | None
    failure_code: str | None

    def ids(self) -> dict[str, str]:
        """For a line of the log."""
        return {"application_id": str(self.application_id), "payment_id": str(self.payment_id)}


@dataclass(frozen=True, slots=True)
class Terms:
    """What else paying an application rests on. `sealed_account` is bound to the application; `paid_without_minor` is
    the limit without a second person, if any; `approved_by` the underwriter, or the policy with its model."""

    sealed_account: bytes
    payee_name: str
    paid_without_minor: int | None
    approved_by: str
    is_by_policy: bool
    """No person has approved it."""


class PaymentMissing(LookupError):
    """An application that was submitted to the bank has no payment: the record was tampered with."""


async def open_payment(
    connection: Connection, *, payment_id: UUID, application_id: UUID, amount: Money, at: datetime
) -> bool:
    """In the state expected. False when the application has its payment already; a replaced one does not count."""
    statement = OPEN(
        payment_id=payment_id,
        application_id=application_id,
        amount_minor=amount.amount_minor,
        currency=amount.currency,
        state=PaymentState.EXPECTED.value,
        at=at,
    )
    return await connection.fetchval(*statement) is not None


async def lock_payment(connection: Connection, payment_id: UUID) -> Payment:
    """Raises PaymentMissing."""
    row = await connection.fetchrow(LOCK, payment_id)
    if row is None:
        raise PaymentMissing(f"there is no payment {payment_id}")
    return _payment(row)


async def lock_current_payment(connection: Connection, application_id: UUID) -> Payment:
    """The application's payment, whatever came before it. Raises PaymentMissing."""
    row = await connection.fetchrow(LOCK_CURRENT, application_id)
    if row is None:
        raise PaymentMissing(f"the application {application_id} has no payment")
    return _payment(row)


async def application_of(connection: Connection, payment_id: UUID) -> UUID | None:
    found: UUID | None = await connection.fetchval(APPLICATION_OF, payment_id)
    return found


async def terms_of(connection: Connection, application_id: UUID) -> Terms:
    """Of an application that exists."""
    row = await connection.fetchrow(TERMS, application_id)
    if row is None:
        raise PaymentMissing(f"the application {application_id} does not exist")
    approved_by = row["decided_by"] or f"policy:{row['policy'] or 'unrecorded'}"
    is_by_policy = row["decided_by"] is None
    return Terms(
        row["payout_account"], row["payee_name"], row["paid_without_minor"], approved_by, is_by_policy
    )


async def mark_accepted(connection: Connection, payment_id: UUID, at: datetime) -> None:
    """The bank has the order: from now on, one that does not know the payment has lost it."""
    await connection.execute(MARK_ACCEPTED, payment_id, at)


async def schedule(connection: Connection, payment_id: UUID, next_step_at: datetime) -> None:
    """When the sweep goes on with a payment that has no result yet."""
    await connection.execute(SCHEDULE, payment_id, next_step_at)


async def settled_as_before(connection: Connection, payment_id: UUID) -> None:
    """A settled payment was looked up, and nothing has come back: it is left alone again."""
    await connection.execute(SETTLED_AS_BEFORE, payment_id)


async def is_held(connection: Connection, payment_id: UUID) -> bool:
    """The bank has contradicted itself or the record, and people have not resolved that yet.

    A bank that had lost a payment and has found it again contradicts nothing.
    """
    held: bool = await connection.fetchval(IS_HELD, payment_id)
    return held


async def is_being_ended(connection: Connection, payment_id: UUID) -> bool:
    """A person has said what became of it, and another one has still to agree."""
    being_ended: bool = await connection.fetchval(IS_BEING_ENDED, payment_id)
    return being_ended


async def claim_due(
    database: Database,
    *,
    now: datetime,
    claimed_until: datetime,
    states: frozenset[PaymentState],
    limit: int,
) -> list[Payment]:
    """Each row goes to one caller until `claimed_until`; a caller that dies leaves it to be due again."""
    names = [state.value for state in states]
    rows = await database.fetch(*CLAIM_DUE(now=now, claimed_until=claimed_until, states=names, most=limit))
    return [_payment(row) for row in rows]


async def next_payment(database: Database) -> UUID | None:
    """Of those that wait for a step, due or not; None when none waits."""
    row = await database.fetchrow(NEXT_PAYMENT)
    return None if row is None else row["payment_id"]


async def overdue(database: Database, *, submitted_until: datetime, limit: int) -> list[Payment]:
    """With the bank, without a result, and not escalated yet."""
    return [_payment(row) for row in await database.fetch(OVERDUE, submitted_until, limit)]


async def mark_escalated(connection: Connection, payment_id: UUID, at: datetime) -> bool:
    """False when it has its result by now, or somebody else was first."""
    return await connection.fetchval(MARK_ESCALATED, payment_id, at) is not None


async def unfinished(database: Database) -> dict[str, int]:
    """How many payments are in each state that is not final."""
    return {row["state"]: row["payments"] for row in await database.fetch(UNFINISHED)}


async def unfunded(database: Database) -> dict[str, int]:
    """How many payments wait for a commitment, by currency; those that wait for a person do not count."""
    return {row["currency"]: row["payments"] for row in await database.fetch(UNFUNDED)}


def _payment(row: Any) -> Payment:
    return Payment(
        row["application_id"],
        row["payment_id"],
        Money(row["amount_minor"], row["currency"]),
        PaymentState(row["state"]),
        row["approved_by"],
        row["needs_release"],
        row["released_by"],
        row["order_text"],
        row["submitted_at"],
        row["accepted_at"] is not None,
        row["steps"],
        row["transaction_id"],
        row["failure_code"],
    )
