from dataclasses import replace
from uuid import UUID

import httpx
import pytest

from fundline.banks.sandbox import SandboxBank
from fundline.demo.books import ApplicationState, StatementUnread, read_statement
from fundline.demo.checks import Checks, checks_within, judge
from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.platform.database import DatabaseUnavailable
from fundline.platform.http.client import Answer
from fundline.records.books import LedgerKey
from support.fake_books import (
    AMOUNT,
    FAILED_PAYMENT,
    PAID,
    PAID_PAYMENT,
    REFERRED,
    agreeing_books,
    agreeing_statement,
    declined_line,
    failed_payment,
    paid_line,
    settled_payment,
)


def test_books_that_agree_have_no_problems():
    checks = judge(agreeing_books(), agreeing_statement())
    assert checks.problems() == []
    assert checks.ledger_balanced
    assert checks.bank_matches


def test_empty_books_agree_with_an_empty_statement():
    assert judge(replace(agreeing_books(), balances={}, payments=(), applications={}), []).problems() == []


def test_a_ledger_that_does_not_sum_to_zero_is_found():
    books = agreeing_books()
    wrong = {**books.balances, LedgerKey(PAID_PAYMENT, "lender_funding", "USD"): -AMOUNT.amount_minor + 1}
    checks = judge(replace(books, balances=wrong), agreeing_statement())
    assert not checks.ledger_balanced
    assert "The ledger does not sum to zero but to 0.01 USD." in checks.problems()


def test_currencies_do_not_balance_each_other():
    books = agreeing_books()
    wrong = {
        key if key.account != "borrower_receivable" else replace(key, currency="EUR"): balance
        for key, balance in books.balances.items()
    }
    assert not judge(replace(books, balances=wrong), agreeing_statement()).ledger_balanced


def test_a_transfer_that_does_not_balance_is_found():
    assert not judge(replace(agreeing_books(), unbalanced_transfers=1), agreeing_statement()).ledger_balanced


def test_money_that_came_back_and_that_we_call_paid_is_found():
    line = replace(paid_line(), is_paid=False, is_returned=True)
    assert judge(agreeing_books(), [*agreeing_statement(), line]).bank_problems == (
        f"1 payments came back, and we call them settled: {PAID_PAYMENT}.",
    )


def test_money_left_in_clearing_after_the_result_is_found():
    books = agreeing_books()
    wrong = {
        **books.balances,
        LedgerKey(FAILED_PAYMENT, "disbursement_clearing", "USD"): AMOUNT.amount_minor,
        LedgerKey(FAILED_PAYMENT, "lender_funding", "USD"): -AMOUNT.amount_minor,
    }
    checks = judge(replace(books, balances=wrong), agreeing_statement())
    assert checks.ledger_problems == (
        f"1 payments are booked otherwise than their state says: {FAILED_PAYMENT}.",
    )


def test_a_payment_without_a_result_stands_in_clearing_and_is_open():
    books = agreeing_books()
    open_payment = replace(settled_payment(), state=PaymentState.UNKNOWN, transaction_id=None)
    balances = {
        LedgerKey(PAID_PAYMENT, "disbursement_clearing", "USD"): AMOUNT.amount_minor,
        LedgerKey(PAID_PAYMENT, "lender_funding", "USD"): -AMOUNT.amount_minor,
    }
    approved = {**books.applications, PAID: ApplicationState(ApplicationStatus.APPROVED, 3)}
    checks = judge(
        replace(books, payments=(open_payment, failed_payment()), balances=balances, applications=approved),
        agreeing_statement(),
    )
    assert checks.ledger_balanced
    assert checks.bank_problems == (f"1 payments have no result yet: {PAID_PAYMENT}.",)
    assert checks.unsettled == (PAID,)


def test_a_settled_payment_that_was_never_booked_is_found():
    assert not judge(replace(agreeing_books(), balances={}), agreeing_statement()).ledger_balanced


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ([declined_line()], "that we call paid are not in the bank's statement"),
        ([*agreeing_statement(), paid_line(UUID(int=99), "txn_9")], "of the bank's statement are not ours"),
        ([*agreeing_statement(), paid_line()], "more than once in the bank's statement"),
        ([paid_line(transaction_id="txn_2"), declined_line()], "differ from the bank's statement"),
        ([replace(paid_line(), amount=Money(1, "USD")), declined_line()], "differ from the bank's statement"),
        (
            [replace(paid_line(), amount=Money(AMOUNT.amount_minor, "EUR")), declined_line()],
            "differ from the bank's statement",
        ),
        ([paid_line(), paid_line(FAILED_PAYMENT, "txn_2")], "differ from the bank's statement"),
    ],
)
def test_a_statement_that_differs_from_our_payouts_is_found(statement, sentence):
    checks = judge(agreeing_books(), statement)
    assert not checks.bank_matches
    assert any(sentence in problem for problem in checks.bank_problems)


def test_a_failed_payment_that_never_reached_the_bank_is_no_problem():
    assert judge(agreeing_books(), [paid_line()]).problems() == []


def test_a_second_payment_of_an_application_is_found_by_its_reference():
    checks = judge(agreeing_books(), [*agreeing_statement(), paid_line(UUID(int=99), "txn_9")])
    assert checks.twice_paid == (PAID,)
    assert checks.paid_twice == 1


def test_an_application_called_paid_without_a_payment_is_found():
    books = agreeing_books()
    called_paid = {**books.applications, REFERRED: ApplicationState(ApplicationStatus.DISBURSED, 4)}
    checks = judge(replace(books, applications=called_paid), agreeing_statement())
    assert checks.bank_problems == (
        f"1 applications are called disbursed without a settled payment, or the reverse: {REFERRED}.",
    )


@pytest.mark.parametrize("status", ["processing", "risk_scoring", "approved"])
def test_an_application_that_waits_for_us_is_unsettled(status):
    books = agreeing_books()
    waiting = {**books.applications, REFERRED: ApplicationState(ApplicationStatus(status), 1)}
    assert judge(replace(books, applications=waiting), agreeing_statement()).unsettled == (REFERRED,)


async def test_the_checks_are_repeated_until_they_hold():
    good = judge(agreeing_books(), agreeing_statement())
    results = [judge(agreeing_books(), []), good]

    async def run() -> Checks:
        return results.pop(0)

    assert await checks_within(30.0, run, look_again_s=0) is good


@pytest.mark.parametrize(
    "away", [DatabaseUnavailable("The database is away."), StatementUnread("The bank is away.")]
)
async def test_an_engine_that_was_just_killed_is_asked_again(away):
    good = judge(agreeing_books(), agreeing_statement())
    answers: list[Checks | Exception] = [away, good]

    async def run() -> Checks:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await checks_within(30.0, run, look_again_s=0) is good


async def test_checks_that_never_hold_are_given_as_they_are():
    bad = judge(agreeing_books(), [])

    async def run() -> Checks:
        return bad

    assert await checks_within(0.0, run, look_again_s=0) is bad


async def test_the_whole_statement_is_read_page_by_page():
    def line(payment_id: UUID, **result: str) -> dict[str, str]:
        money = {"amount": "50000.00", "currency": "USD", "reference": str(PAID), "payeeLast4": "1234"}
        return {"paymentId": str(payment_id), **money, **result}

    first = {"payments": [line(PAID_PAYMENT, status="settled", transactionId="txn_1")], "nextCursor": "17"}
    second = {
        "payments": [line(FAILED_PAYMENT, status="declined", code="account_closed")],
        "nextCursor": None,
    }
    asked = []

    class TwoPages:
        async def call(self, method, path, **_):
            asked.append(path)
            return Answer(200, (first, second)[len(asked) - 1])

    lines = await read_statement(SandboxBank(TwoPages()))
    assert [(line.payment_id, line.is_paid, line.transaction_id) for line in lines] == [
        (PAID_PAYMENT, True, "txn_1"),
        (FAILED_PAYMENT, False, None),
    ]
    assert lines[0].amount == AMOUNT
    assert [httpx.URL(path).params["cursor"] for path in asked] == ["0", "17"]
