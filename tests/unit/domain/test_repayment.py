from decimal import ROUND_UP, Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundline.domain.facts import ApplicantFacts
from fundline.domain.repayment import (
    RATIO_LIMIT,
    amount_to_revenue,
    capacity_of,
    cash_runway_months,
    debt_service_coverage,
    monthly_instalment,
)
from support.applicant_facts import businesses, sound_business

RATE = Decimal("0.0925")
amounts = st.decimals(min_value="1", max_value="100000000", places=2)
terms = st.integers(min_value=1, max_value=360)


def test_the_instalment_of_a_textbook_loan():
    # 100,000 at 6 % over 30 years: 599.55 in every mortgage table.
    assert monthly_instalment(Decimal(100_000), 360, Decimal("0.06")) == Decimal("599.56")


def test_a_loan_without_interest_is_repaid_in_equal_parts():
    assert monthly_instalment(Decimal(1200), 12, Decimal(0)) == Decimal("100.00")


@given(amount=amounts, term=terms)
def test_the_instalments_repay_at_least_the_amount(amount: Decimal, term: int):
    assert monthly_instalment(amount, term, RATE) * term >= amount


@given(amount=amounts, term=terms)
def test_a_longer_term_never_raises_the_instalment(amount: Decimal, term: int):
    assert monthly_instalment(amount, term + 1, RATE) <= monthly_instalment(amount, term, RATE)


@given(amount=amounts, term=st.integers(min_value=1, max_value=120))
def test_the_instalments_bring_the_balance_to_zero_and_not_a_month_earlier(amount: Decimal, term: int):
    instalment = monthly_instalment(amount, term, RATE)
    balance = amount
    for _ in range(term):
        balance = balance * (1 + RATE / 12) - instalment
    assert balance <= 0
    # Rounding up a cent a month is all that may be paid too much.
    assert balance > -Decimal("0.01") * term * 3


@pytest.mark.parametrize(("amount", "term", "rate"), [("0", 12, "0.1"), ("1", 0, "0.1"), ("1", 12, "-0.1")])
def test_an_impossible_loan_has_no_instalment(amount: str, term: int, rate: str):
    sentence = "an instalment needs a positive amount, a positive term and a rate of zero or more"
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        monthly_instalment(Decimal(amount), term, Decimal(rate))


def test_coverage_is_cash_flow_over_all_debt_payments():
    # 120,000 a year at 25 % is 2,500 a month against 500 + 1,500.
    args = (Decimal(120_000), Decimal("0.25"), Decimal(500), Decimal(1500))
    assert debt_service_coverage(*args) == Decimal("1.2500")


def test_coverage_just_below_a_threshold_is_not_rounded_up_to_it():
    args = (Decimal("1199999.99"), Decimal("0.125"), Decimal(0), Decimal(10_000))
    assert debt_service_coverage(*args) == Decimal("1.2499")


def test_a_loss_gives_negative_coverage():
    args = (Decimal(120_000), Decimal("-0.10"), Decimal(0), Decimal(1000))
    assert debt_service_coverage(*args) == Decimal("-1.0000")


def test_runway_counts_the_months_cash_pays_for():
    assert cash_runway_months(Decimal(9000), Decimal(1000), Decimal(2000)) == Decimal("3.0000")


def test_no_revenue_makes_any_amount_too_high():
    assert amount_to_revenue(Decimal(1), Decimal(0)) == RATIO_LIMIT
    assert amount_to_revenue(Decimal("0.5"), Decimal("0.5")) == 1


def test_ratios_are_limited():
    assert cash_runway_months(Decimal(10**15), Decimal(0), Decimal("0.01")) == RATIO_LIMIT


def test_the_capacity_of_an_applicant_is_worked_out_from_the_stated_figures():
    facts = sound_business()
    capacity = capacity_of(facts, RATE)
    assert capacity.instalment == monthly_instalment(facts.amount, facts.term_months, RATE)
    assert capacity.coverage == debt_service_coverage(
        Decimal(600_000), Decimal("0.12"), Decimal(1200), capacity.instalment
    )
    assert capacity.runway_months == cash_runway_months(Decimal(40_000), Decimal(1200), capacity.instalment)
    assert capacity.amount_to_revenue == amount_to_revenue(Decimal(50_000), Decimal(600_000))


def test_the_arithmetic_of_the_caller_changes_nothing():
    """A process with a coarser decimal context of its own must not decide otherwise."""
    facts = sound_business()
    plain = capacity_of(facts, RATE)
    with localcontext(Context(prec=3, rounding=ROUND_UP)):
        assert capacity_of(facts, RATE) == plain
        assert monthly_instalment(Decimal(100_000), 360, Decimal("0.06")) == Decimal("599.56")
        assert debt_service_coverage(
            Decimal("1199999.99"), Decimal("0.125"), Decimal(0), Decimal(10_000)
        ) == Decimal("1.2499")
        assert cash_runway_months(Decimal("99999.99"), Decimal(1000), Decimal(2000)) == Decimal("33.3333")
        assert amount_to_revenue(Decimal("33333.33"), Decimal("99999.99")) == Decimal("0.3334")


@given(businesses())
def test_a_ratio_is_missing_exactly_when_a_figure_it_needs_is(facts: ApplicantFacts):
    capacity = capacity_of(facts, RATE)
    needed = (facts.annual_revenue, facts.operating_margin, facts.monthly_debt_service)
    assert (capacity.coverage is None) == (None in needed)
    assert (capacity.runway_months is None) == (None in {facts.cash_at_bank, facts.monthly_debt_service})
    assert (capacity.amount_to_revenue is None) == (facts.annual_revenue is None)
