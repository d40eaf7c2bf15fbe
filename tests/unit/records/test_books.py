"""Where a payment must stand in the books, state by state, and what a line of the bank's statement says."""

from uuid import UUID

import pytest

from fundline.domain.money import Money
from fundline.domain.payment import PaymentState
from fundline.records.books import (
    BookedPayments,
    LedgerKey,
    Payment,
    misplaced,
    payment_of,
)

S = PaymentState
ID, APPLICATION = UUID(int=1), UUID(int=2)
CLEARING, RECEIVABLE, FEE, FUNDING = (
    "disbursement_clearing", "borrower_receivable", "fee_income", "lender_funding",
)  # fmt: skip
PENDING = {CLEARING: 1000, FUNDING: -1000}
PAID = {CLEARING: 0, RECEIVABLE: 1000, FUNDING: -1000}
WITH_FEE = {RECEIVABLE: 1015, FUNDING: -1000, FEE: -15}


def is_misplaced(state: PaymentState | None, balances: dict[str, int], *, corrected: bool = False) -> bool:
    payments = () if state is None else (Payment(ID, APPLICATION, Money(1000, "USD"), state, None),)
    booked = BookedPayments(
        payments,
        {LedgerKey(ID, account, "USD"): balance for account, balance in balances.items()},
        frozenset({ID}) if corrected else frozenset(),
    )
    found = misplaced(booked)
    assert found in ([], [ID])
    return found == [ID]


@pytest.mark.parametrize(
    ("state", "balances"),
    [
        (None, {}),
        (None, {CLEARING: 0, FUNDING: 0}),
        (S.EXPECTED, {}),
        (S.REQUESTED, {}),
        (S.SUBMITTED, PENDING),
        (S.UNKNOWN, PENDING),
        (S.SETTLED, PAID),
        (S.SETTLED, WITH_FEE),
        (S.SETTLED, {RECEIVABLE: 1000, "lender_two": -1000}),
        (S.FAILED, {CLEARING: 0, FUNDING: 0}),
    ],
)
def test_what_is_booked_as_its_state_says_is_in_place(state, balances):
    assert not is_misplaced(state, balances)


@pytest.mark.parametrize(
    ("state", "balances"),
    [
        (None, PENDING),
        (S.EXPECTED, PENDING),
        (S.REQUESTED, PAID),
        (S.SUBMITTED, {}),
        (S.SUBMITTED, PAID),
        (S.UNKNOWN, {CLEARING: 999, FUNDING: -999}),
        (S.SETTLED, {}),
        (S.SETTLED, PENDING),
        (S.SETTLED, {RECEIVABLE: 1015, FUNDING: -1000}),
        (S.SETTLED, {RECEIVABLE: 985, FUNDING: -1000, FEE: 15}),
        (S.SETTLED, {RECEIVABLE: 1000, FUNDING: -1015, FEE: 15}),
        (S.FAILED, PENDING),
        (S.FAILED, PAID),
    ],
)
def test_what_is_booked_otherwise_is_found(state, balances):
    assert is_misplaced(state, balances)


@pytest.mark.parametrize("state", [S.SETTLED, S.FAILED])
def test_of_a_corrected_payment_only_clearing_must_be_empty_once_it_has_its_result(state):
    assert not is_misplaced(state, {RECEIVABLE: 1, FUNDING: -1}, corrected=True)
    assert is_misplaced(state, {CLEARING: 1, FUNDING: -1}, corrected=True)


def test_a_correction_excuses_nothing_before_the_result():
    assert is_misplaced(S.SUBMITTED, {RECEIVABLE: 1, FUNDING: -1}, corrected=True)
    assert not is_misplaced(S.SUBMITTED, PENDING, corrected=True)


def test_a_row_is_read_whole():
    row = {
        "payment_id": ID,
        "application_id": APPLICATION,
        "amount_minor": 1000,
        "currency": "USD",
        "state": "settled",
        "transaction_id": "txn_1",
    }
    assert payment_of(row) == Payment(ID, APPLICATION, Money(1000, "USD"), S.SETTLED, "txn_1")
