"""Amounts and ratios are printed with what their currency has, whatever the figures.

An instalment in yen once had hundredths, and the coverage of a business without revenue was `-0.0000`.
"""

from decimal import Decimal

import pytest
from hypothesis import given

from fundline.domain.decision import Decision
from fundline.domain.money import MINOR_UNITS, Money
from fundline.domain.policy import POLICY_2, POLICY_3
from support.applicant_facts import (
    CALM,
    GOOD_SCORE,
    businesses,
    decide_alone,
    model_score_of,
    sound_business,
    stress_of_share,
)


def decided(**changes: object) -> Decision:
    return decide_alone(sound_business(**changes), score=GOOD_SCORE, stress=CALM)


@pytest.mark.parametrize("currency", MINOR_UNITS)
def test_an_instalment_is_an_amount_that_can_be_paid(currency):
    instalment = decided(currency=currency, amount=Decimal(7_654_321)).capacity.instalment
    assert Money.parse(str(instalment), currency).text() == str(instalment)


def test_earlier_decisions_keep_their_hundredths_of_a_yen():
    facts = sound_business(currency="JPY", amount=Decimal(7_654_321))
    earlier = decide_alone(facts, score=GOOD_SCORE, stress=CALM, policy=POLICY_2).capacity.instalment
    assert earlier.as_tuple().exponent == -2
    assert POLICY_2.instalment_step("JPY") == POLICY_3.instalment_step("USD") == Decimal("0.01")


def test_the_coverage_of_a_business_without_revenue_has_no_sign():
    assert (
        str(decided(annual_revenue=Decimal("0.00"), operating_margin=Decimal("-0.5")).capacity.coverage)
        == "0.0000"
    )


@given(facts=businesses())
def test_no_figure_of_any_decision_is_less_than_nothing_and_nothing(facts):
    decision = decide_alone(facts, score=model_score_of("0.2000"), stress=stress_of_share("0.1000"))
    capacity = decision.capacity
    shown = [capacity.instalment, capacity.coverage, capacity.runway_months, capacity.amount_to_revenue]
    assert not [figure for figure in shown if figure is not None and figure == 0 and figure.is_signed()]
    observed = " ".join(outcome.observed or "" for outcome in decision.rule_outcomes)
    assert "-0.0000" not in observed.split()
