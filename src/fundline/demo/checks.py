"""The three checks that must hold after every run, whatever happened in it.

1. Debits = credits, and each payment stands in the books exactly where its state says.
2. Our payouts = the bank's own statement, one to one, and no application is paid twice.
3. No application is in a state that still waits for one of our processes.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from fundline.demo.books import Books, read_books, read_statement_of
from fundline.demo.journey import SETTLED
from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.platform.database import open_database
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import DatabaseSettings
from fundline.records.books import BankDifference, StatementLine, differences, misplaced

LOOK_AGAIN_S = 0.5
SHOWN_IDS = 3


@dataclass(frozen=True, slots=True)
class Checks:
    """Problems as sentences; empty means the check holds. `statement` is the bank's side, `books` ours."""

    books: Books
    statement: tuple[StatementLine, ...]
    ledger_problems: tuple[str, ...]
    bank_problems: tuple[str, ...]
    twice_paid: tuple[UUID, ...]
    """Applications."""
    unsettled: tuple[UUID, ...]
    """Applications in a non-terminal state other than `pending_review`."""

    @property
    def ledger_balanced(self) -> bool:
        return not self.ledger_problems

    @property
    def bank_matches(self) -> bool:
        return not self.bank_problems

    @property
    def paid_twice(self) -> int:
        """How many applications."""
        return len(self.twice_paid)

    def problems(self) -> list[str]:
        """One sentence for each thing that is wrong; empty when all is well."""
        found = [*self.ledger_problems, *self.bank_problems]
        if self.twice_paid:
            found.append(f"{self.paid_twice} applications were paid twice: {_some(self.twice_paid)}.")
        if self.unsettled:
            found.append(
                f"{len(self.unsettled)} applications are neither final nor in pending_review: "
                f"{_some(self.unsettled)}."
            )
        return found


async def run_checks(
    database_url: str, bank_url: str, *, applicants: Collection[str] | None = None
) -> Checks:
    """Read both sides and compare. The ledger and the bank are judged as a whole; of the applications only those
    of `applicants` (token subjects), or all of them with None.

    Raises DatabaseUnavailable, or StatementUnread when the bank does not answer.
    """
    settings = DatabaseSettings(database_url=database_url, instance="fundline-checks", database_pool_size=1)
    database = await open_database(settings)
    try:
        books = await read_books(database, applicants)
    finally:
        await database.close()
    return judge(books, await read_statement_of(bank_url))


async def checks_within(
    timeout_s: float, run: Callable[[], Awaitable[Checks]], look_again_s: float = LOOK_AGAIN_S
) -> Checks:
    """Repeat `run` until nothing is wrong or the time is over; returns the last result.

    What is on its way looks wrong for a moment. An engine that does not answer is asked again too.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        is_last = time.monotonic() >= deadline
        try:
            checks = await run()
            if is_last or not checks.problems():
                return checks
        except Unavailable:
            if is_last:
                raise
        await asyncio.sleep(look_again_s)


def judge(books: Books, statement: Sequence[StatementLine]) -> Checks:
    """Compare both sides. Decides only."""
    return Checks(
        books=books,
        statement=tuple(statement),
        ledger_problems=tuple(_ledger_problems(books)),
        bank_problems=tuple(_bank_problems(books, statement)),
        twice_paid=_twice_paid(books, statement),
        unsettled=tuple(key for key, state in books.applications.items() if state.status not in SETTLED),
    )


def _ledger_problems(books: Books) -> list[str]:
    problems = []
    totals: Counter[str] = Counter()
    for key, balance_minor in books.balances.items():
        totals[key.currency] += balance_minor
    for currency, total_minor in totals.items():
        if total_minor:
            problems.append(
                f"The ledger does not sum to zero but to {Money(total_minor, currency).text()} {currency}."
            )
    if books.unbalanced_transfers:
        problems.append(f"{books.unbalanced_transfers} transfers do not sum to zero.")
    if elsewhere := misplaced(books.booked()):
        problems.append(
            f"{len(elsewhere)} payments are booked otherwise than their state says: {_some(elsewhere)}."
        )
    return problems


def _bank_problems(books: Books, statement: Sequence[StatementLine]) -> list[str]:
    by_kind = differences(books.payments, statement)
    return [
        f"{len(found)} {what}: {_some(found)}."
        for found, what in (
            (by_kind[BankDifference.REPEATED], "payments stand more than once in the bank's statement"),
            (by_kind[BankDifference.NOT_OURS], "payments of the bank's statement are not ours"),
            (
                by_kind[BankDifference.MISSING_THERE],
                "payments that we call paid are not in the bank's statement",
            ),
            (
                by_kind[BankDifference.DIFFERENT],
                "payments differ from the bank's statement in result, amount or transaction id",
            ),
            (by_kind[BankDifference.RETURNED], "payments came back, and we call them settled"),
            (by_kind[BankDifference.NO_RESULT_HERE], "payments have no result yet"),
            (_mistold(books), "applications are called disbursed without a settled payment, or the reverse"),
        )
        if found
    ]


def _mistold(books: Books) -> list[UUID]:
    settled = {p.application_id for p in books.payments if p.state is PaymentState.SETTLED}
    return [
        application_id
        for application_id, state in books.applications.items()
        if (state.status is ApplicationStatus.DISBURSED) != (application_id in settled)
    ]


def _twice_paid(books: Books, statement: Sequence[StatementLine]) -> tuple[UUID, ...]:
    """By the bank's own bookings, whatever we believe: by our payment, else by the reference on the booking."""
    owners = {payment.payment_id: payment.application_id for payment in books.payments}
    paid: Counter[UUID] = Counter()
    for line in statement:
        owner = owners.get(line.payment_id) or _as_uuid(line.reference)
        if line.is_paid and owner in books.applications:
            paid[owner] += 1
    return tuple(sorted(owner for owner, times in paid.items() if times > 1))


def _as_uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _some(ids: Iterable[UUID]) -> str:
    known = [str(key) for key in ids]
    rest = len(known) - SHOWN_IDS
    return ", ".join(known[:SHOWN_IDS]) + (f" and {rest} more" if rest > 0 else "")
