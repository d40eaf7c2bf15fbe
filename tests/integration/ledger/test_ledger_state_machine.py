"""Promise 7, whatever happens in whatever order: hypothesis drives the real PostgreSQL and a small model beside it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg
import hypothesis.strategies as some
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from fundline.domain.ledger import LedgerAccount, Posting
from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.platform.database import Database, UniqueRule, open_database
from fundline.platform.settings import DatabaseSettings
from fundline.records.ledger_views import trial_balance
from support.funding import commit_more
from support.ledger import correct_transfer, open_payment, problems, reach, sums, transfer_of

pytestmark = pytest.mark.integration
S, A = PaymentState, LedgerAccount
T = TypeVar("T")
amounts = some.builds(Money, some.integers(1, 10**12), some.sampled_from(["USD", "EUR", "JPY"]))
results = some.sampled_from([S.SETTLED, S.FAILED])
refusals = (UniqueRule, asyncpg.CheckViolationError)


class Books(RuleBasedStateMachine):
    """Every rule changes the books and the model beside them, or the schema refuses it and both stay as they are."""

    database: Database
    loop: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[Any, PaymentState] = {}
        self.amounts: dict[Any, Money] = {}
        self.corrected: set[Any] = set()
        self.before = self.do(self._balances())
        """What earlier examples of the run left in the books: append-only means that it stays."""

    payments = Bundle("payments")

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(work)

    def refused(self, work: Coroutine[Any, Any, Any]) -> None:
        with pytest.raises(refusals):
            self.do(work)

    @rule(target=payments, amount=amounts)
    def approve(self, amount: Money) -> Any:
        payment_id = self.do(open_payment(self.database, amount))
        self.states[payment_id], self.amounts[payment_id] = S.EXPECTED, amount
        return payment_id

    @rule(payment=payments)
    def submit(self, payment: Any) -> None:
        """A second submission, at any later time, is a duplicate and refused."""
        work = reach(self.database, payment, S.SUBMITTED, self.amounts[payment])
        if self.states[payment] is S.EXPECTED:
            self.do(work)
            self.states[payment] = S.SUBMITTED
        else:
            self.refused(work)

    @rule(payment=payments, result=results)
    def resolve(self, payment: Any, result: PaymentState) -> None:
        """Settle or return: only what is pending, and only once."""
        if result is S.FAILED and self.states[payment] is S.EXPECTED:
            return  # no lender has paid it: book_payment says so before the schema can
        work = reach(self.database, payment, result, self.amounts[payment])
        if self.states[payment] is S.SUBMITTED:
            self.do(work)
            self.states[payment] = result
        else:
            self.refused(work)

    @rule(payment=payments)
    def correct(self, payment: Any) -> None:
        """The result was wrong: it is reversed, and the other one stands in its place, signed by two. Once."""
        if self.states[payment] not in (S.SETTLED, S.FAILED):
            return
        was_settled = self.states[payment] is S.SETTLED
        wrong = self.do(
            transfer_of(self.database, payment, "payment_settled" if was_settled else "payment_returned")
        )
        amount = self.amounts[payment]
        instead = (
            Posting(A.LENDER_FUNDING if was_settled else A.BORROWER_RECEIVABLE, amount),
            Posting(A.DISBURSEMENT_CLEARING, Money(-amount.amount_minor, amount.currency)),
        )
        work = correct_transfer(self.database, wrong, instead=instead)
        if payment in self.corrected:
            self.refused(work)
        else:
            self.do(work)
            self.corrected.add(payment)

    @rule(table=some.sampled_from(["ledger_postings", "ledger_transfers"]), edit=some.sampled_from([
        "update {} set transfer_id = transfer_id", "delete from {}", "truncate {} cascade"]))  # fmt: skip
    def edit(self, table: str, edit: str) -> None:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            self.do(self.database.execute(edit.format(table)))

    @invariant()
    def debits_are_credits_and_every_rule_holds(self) -> None:
        assert set(self.do(sums(self.database)).values()) <= {0}
        assert self.do(problems(self.database)) == []

    @invariant()
    def every_account_is_what_the_model_says(self) -> None:
        expected: dict[tuple[str, str], int] = {}

        def add(account: str, amount: Money, sign: int) -> None:
            key = (account, amount.currency)
            expected[key] = expected.get(key, 0) + sign * amount.amount_minor

        for payment, state in self.states.items():
            amount, is_corrected = self.amounts[payment], payment in self.corrected
            if state is S.SUBMITTED:
                add(A.DISBURSEMENT_CLEARING, amount, 1)
                add(A.LENDER_FUNDING, amount, -1)
            elif (state is S.SETTLED) != is_corrected and state is not S.EXPECTED:
                add(A.BORROWER_RECEIVABLE, amount, 1)
                add(A.LENDER_FUNDING, amount, -1)
        now = self.do(self._balances())
        moved = {key: total - self.before.get(key, 0) for key, total in now.items()}
        assert {key: total for key, total in moved.items() if total} == {
            k: t for k, t in expected.items() if t
        }

    async def _balances(self) -> dict[tuple[str, str], int]:
        async with self.database.transaction() as connection:
            return {
                (line.account, line.balance.currency): line.balance.amount_minor
                for line in await trial_balance(connection)
            }


def test_promise_7_the_books_balance_whatever_happens_in_whatever_order(database_url: str) -> None:
    with asyncio.Runner() as loop:
        database = loop.run(open_database(DatabaseSettings(database_url=database_url, database_pool_size=1)))
        for currency in ("USD", "EUR", "JPY"):
            loop.run(commit_more(database, Money(10**15 - 1, currency)))
        machine = type("BooksOfThisRun", (Books,), {"database": database, "loop": loop})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=25,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        loop.run(database.close())
