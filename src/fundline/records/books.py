"""Our books and the bank's statement: read page by page, and compared payment by payment.

The demo's checks, `fundline ledger verify` and the reconciler all judge with the two functions below.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from fundline.domain.ledger import LedgerAccount
from fundline.domain.money import Money
from fundline.domain.payment import FINISHED, PAID, WITH_THE_BANK, PaymentState
from fundline.platform.database import Connection

PAGE = 5000
_BEFORE_THE_FIRST = UUID(int=0)

SNAPSHOT = """
set transaction isolation level repeatable read, read only;
set local transaction_timeout = 0 -- as long as the books are; each statement has its own limit
"""
PAGE_OF_PAYMENT_IDS = """
select payment_id from (
    (select payment_id from disbursements where payment_id > $1 order by payment_id limit $2)
    union
    (select distinct payment_id from ledger_transfers where payment_id > $1 order by payment_id limit $2)
) known order by payment_id limit $2
"""
PAYMENTS = """
select payment_id, application_id, amount_minor, currency, transaction_id,
       case when returned_at > $2 then 'settled' when $2::timestamptz is null or finished_at <= $2 then state
            when submitted_at <= $2 then 'submitted' else 'expected' end as state
from disbursements where payment_id = any($1)
"""
BALANCES = """
select t.payment_id, p.account, p.currency, sum(p.amount_minor)::bigint as balance_minor
from ledger_transfers t join ledger_postings p using (transfer_id)
where t.payment_id = any($1) and ($2::timestamptz is null or t.booked_at <= $2) group by 1, 2, 3
"""
CORRECTED = (
    "select distinct payment_id from ledger_transfers where payment_id = any($1) and corrects is not null"
)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as our database has it."""

    payment_id: UUID
    application_id: UUID
    amount: Money
    state: PaymentState
    transaction_id: str | None


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A booking as the bank has it; `transaction_id` only when it paid.

    `is_returned`: it booked the payment back; then the payment has an earlier line that paid it.
    """

    payment_id: UUID
    is_paid: bool
    amount: Money
    transaction_id: str | None
    reference: str
    is_returned: bool = False


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """One payment's part of an account, in one currency."""

    payment_id: UUID
    account: str
    currency: str


@dataclass(frozen=True, slots=True)
class BookedPayments:
    """Payments and their parts of the ledger, in minor units, debit positive.

    `corrected`: two people have signed for where these stand, so their state alone does not say it.
    """

    payments: tuple[Payment, ...] = ()
    balances: Mapping[LedgerKey, int] = field(default_factory=dict)
    corrected: frozenset[UUID] = frozenset()


async def read_booked_payments(
    connection: Connection, *, at: datetime | None = None
) -> AsyncIterator[BookedPayments]:
    """All payments that stand in `disbursements` or in the ledger, a page at a time, as of a moment.

    The caller's transaction decides whether the pages are of one snapshot.
    """
    last = _BEFORE_THE_FIRST
    while ids := [row["payment_id"] for row in await connection.fetch(PAGE_OF_PAYMENT_IDS, last, PAGE)]:
        last = ids[-1]
        payments = await connection.fetch(PAYMENTS, ids, at)
        balances = await connection.fetch(BALANCES, ids, at)
        corrected = await connection.fetch(CORRECTED, ids)
        yield BookedPayments(
            tuple(payment_of(row) for row in payments),
            {
                LedgerKey(row["payment_id"], row["account"], row["currency"]): row["balance_minor"]
                for row in balances
            },
            frozenset(row["payment_id"] for row in corrected),
        )


def payment_of(row: Any) -> Payment:
    return Payment(
        row["payment_id"],
        row["application_id"],
        Money(row["amount_minor"], row["currency"]),
        PaymentState(row["state"]),
        row["transaction_id"],
    )


def misplaced(booked: BookedPayments) -> list[UUID]:
    """Payments whose postings are not those of their state; clearing is empty once a payment has its result.

    Where a payment was corrected, only that last rule is held against it.
    """
    placed: defaultdict[UUID, Counter[tuple[str, str]]] = defaultdict(Counter)
    for key, balance_minor in booked.balances.items():
        placed[key.payment_id][_side(key.account), key.currency] += balance_minor
    states = {payment.payment_id: payment for payment in booked.payments}
    return sorted(
        payment_id
        for payment_id in placed.keys() | states.keys()
        if not _is_in_place(
            states.get(payment_id), placed[payment_id], is_corrected=payment_id in booked.corrected
        )
    )


def _side(account: str) -> str:
    """Every account but the three that exist once is a funding source."""
    known = (LedgerAccount.DISBURSEMENT_CLEARING, LedgerAccount.BORROWER_RECEIVABLE, LedgerAccount.FEE_INCOME)
    return account if account in known else LedgerAccount.LENDER_FUNDING


def _is_in_place(
    payment: Payment | None, placed: Mapping[tuple[str, str], int], *, is_corrected: bool
) -> bool:
    there = {key: balance_minor for key, balance_minor in placed.items() if balance_minor}
    if payment is None:
        return not there
    if is_corrected and payment.state in FINISHED:
        return not any(account == LedgerAccount.DISBURSEMENT_CLEARING for account, _ in there)
    amount_minor, currency = payment.amount.amount_minor, payment.amount.currency
    expected: dict[tuple[str, str], int] = {}
    if payment.state is PaymentState.SETTLED:
        fee_minor = -there.get((LedgerAccount.FEE_INCOME, currency), 0)
        expected[LedgerAccount.BORROWER_RECEIVABLE, currency] = amount_minor + fee_minor
        expected[LedgerAccount.LENDER_FUNDING, currency] = -amount_minor
        if fee_minor > 0:
            expected[LedgerAccount.FEE_INCOME, currency] = -fee_minor
    elif payment.state in WITH_THE_BANK:
        expected[LedgerAccount.DISBURSEMENT_CLEARING, currency] = amount_minor
        expected[LedgerAccount.LENDER_FUNDING, currency] = -amount_minor
    return there == expected


class BankDifference(StrEnum):
    """How one payment and the bank's booking of it can differ."""

    NOT_OURS = "not_ours"
    """The bank has booked a payment that we do not know."""
    MISSING_THERE = "missing_there"
    """We call it paid; the bank has not booked it."""
    DIFFERENT = "different"
    """Another result, amount or transaction id."""
    NO_RESULT_HERE = "no_result_here"
    """We have submitted it and have no result; whether the bank has one, its statement says."""
    REPEATED = "repeated"
    """It stands in the statement more than once."""
    RETURNED = "returned"
    """The bank has booked it back, and we call it paid."""
    GONE = "gone"
    """It stood in the statement when that was read before, and does not any more."""


def compare(payment: Payment | None, line: StatementLine | None) -> BankDifference | None:
    """None: they agree. At least one of them is given."""
    if payment is None:
        return BankDifference.NOT_OURS
    if payment.state in WITH_THE_BANK:
        return BankDifference.NO_RESULT_HERE
    is_paid = payment.state in PAID
    if line is None:
        return BankDifference.MISSING_THERE if is_paid else None
    if line.is_returned and payment.state is PaymentState.SETTLED:
        return BankDifference.RETURNED
    if line.is_returned:
        agrees = payment.state is PaymentState.RETURNED and line.amount == payment.amount
    else:
        theirs = (line.is_paid, line.transaction_id, line.amount)
        agrees = payment.state in FINISHED and theirs == (is_paid, payment.transaction_id, payment.amount)
    return None if agrees else BankDifference.DIFFERENT


def differences(
    payments: Iterable[Payment], statement: Collection[StatementLine]
) -> dict[BankDifference, list[UUID]]:
    """Both sides as a whole: payment ids by how they differ."""
    ours = {payment.payment_id: payment for payment in payments}
    theirs: defaultdict[UUID, dict[bool, StatementLine]] = defaultdict(dict)
    for line in statement:
        theirs[line.payment_id][line.is_returned] = line
    times = Counter((line.payment_id, line.is_returned) for line in statement)
    found: dict[BankDifference, list[UUID]] = {kind: [] for kind in BankDifference}
    found[BankDifference.REPEATED] = list(
        dict.fromkeys(payment_id for (payment_id, _), lines in times.items() if lines > 1)
    )
    for payment_id in (*ours, *(key for key in theirs if key not in ours)):
        lines = theirs.get(payment_id, {}).values() or [None]
        for difference in dict.fromkeys(compare(ours.get(payment_id), line) for line in lines):
            if difference is not None:
                found[difference].append(payment_id)
    return found
