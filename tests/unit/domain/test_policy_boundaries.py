"""Every threshold of the policy just below, at and just above it: a `<` that becomes `<=` refuses or approves somebody.

A mutation of the coverage rule from `<` to `<=` once survived every test.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

import pytest

from fundline.domain.facts import ApplicantFacts
from fundline.domain.policy import POLICY_2, Policy, RuleOutcome, at_level, decide
from fundline.domain.repayment import capacity_of
from support.applicant_facts import GOOD_SCORE, sound_business, stress_of_share

SOUND = sound_business()
HOUSE = sound_business(purpose="real_estate")
STRESS = stress_of_share("0.3000")
CAPACITY = capacity_of(SOUND, POLICY_2.annual_rate)
PROBABILITY = at_level(GOOD_SCORE, POLICY_2.portfolio_default_rate)
LENIENT = replace(
    POLICY_2,
    reject_coverage_below=Decimal(0),
    approve_coverage_from=Decimal(0),
    approve_amount_to_revenue_up_to=Decimal(9),
    reject_amount_to_revenue_above=Decimal(9),
    reject_amount_to_revenue_above_by_purpose={"real_estate": Decimal(9)},
    reject_probability_combined=Decimal(0),
    reject_stress_combined=Decimal(0),
)


@dataclass(frozen=True)
class Threshold:
    """`verdicts`: when the figure is just below the threshold, on it, and just above it."""

    name: str
    rule: str
    figure: Decimal
    step: Decimal
    verdicts: tuple[str, str, str]
    facts: ApplicantFacts = SOUND
    policy: Callable[[str, Decimal], Policy] = lambda name, limit: replace(LENIENT, **{name: limit})


def by_currency(name: str, limit: Decimal) -> Policy:
    return replace(LENIENT, **{name: {"USD": limit}})


def by_purpose(name: str, limit: Decimal) -> Policy:
    return replace(LENIENT, **{name: {"real_estate": limit}})


SMALL = Decimal("0.0001")
AT_LEAST_OR_REJECT = ("reject", "pass", "pass")
AT_LEAST = ("refer", "pass", "pass")
AT_MOST_OR_REJECT = ("pass", "pass", "reject")
AT_MOST = ("pass", "pass", "refer")
BELOW = ("pass", "refer", "refer")
BOTH_REACHED = ("pass", "reject", "reject")
SHARE, RUNWAY = CAPACITY.amount_to_revenue, CAPACITY.runway_months
THRESHOLDS = [
    Threshold("reject_coverage_below", "coverage", CAPACITY.coverage, SMALL, AT_LEAST_OR_REJECT),
    Threshold("approve_coverage_from", "coverage", CAPACITY.coverage, SMALL, AT_LEAST),
    Threshold("reject_amount_to_revenue_above", "amount_to_revenue", SHARE, SMALL, AT_MOST_OR_REJECT),
    Threshold(
        "reject_amount_to_revenue_above_by_purpose", "amount_to_revenue", SHARE, SMALL, AT_MOST_OR_REJECT,
        HOUSE, by_purpose,
    ),
    Threshold("approve_amount_to_revenue_up_to", "amount_to_revenue", SHARE, SMALL, AT_MOST),
    Threshold("approve_runway_months_from", "cash_runway", RUNWAY, SMALL, AT_LEAST),
    Threshold(
        "approve_amount_up_to", "automatic_amount", SOUND.amount, Decimal("0.01"), AT_MOST, SOUND, by_currency
    ),
    Threshold("approve_probability_below", "probability_of_default", PROBABILITY, SMALL, BELOW),
    Threshold("approve_stress_below", "cash_flow_stress", STRESS.shortfall_probability, SMALL, BELOW),
    Threshold("reject_probability_combined", "risk_combined", PROBABILITY, SMALL, BOTH_REACHED),
    Threshold(
        "reject_stress_combined", "risk_combined", STRESS.shortfall_probability, SMALL, BOTH_REACHED
    ),
]  # fmt: skip


def outcome(threshold: Threshold, limit: Decimal) -> RuleOutcome:
    policy = threshold.policy(threshold.name, limit)
    decision = decide(threshold.facts, score=GOOD_SCORE, stress=STRESS, policy=policy)
    (found,) = [one for one in decision.rule_outcomes if one.rule == threshold.rule]
    return found


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=lambda threshold: threshold.name)
def test_a_figure_just_below_on_and_just_above_each_threshold_gets_its_verdict(threshold: Threshold):
    figure, step = threshold.figure, threshold.step
    found = [outcome(threshold, limit).verdict for limit in (figure + step, figure, figure - step)]
    assert tuple(found) == threshold.verdicts


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=lambda threshold: threshold.name)
def test_an_outcome_says_what_was_compared_with_what(threshold: Threshold):
    strict = threshold.figure + threshold.step * (1 if threshold.verdicts[0] != "pass" else -1)
    found = outcome(threshold, strict)
    assert str(threshold.figure) in found.observed
    assert str(strict) in found.limit


def test_every_threshold_of_the_policy_has_its_boundary():
    rates = {"version", "annual_rate", "portfolio_default_rate"}
    assert {one.name for one in THRESHOLDS} == asdict(POLICY_2).keys() - rates


def test_the_thresholds_of_a_policy_never_change_under_its_version():
    """Decisions are replayed by the version they carry: another figure is another version."""
    assert asdict(POLICY_2) == {
        "version": "policy-2",
        "annual_rate": Decimal("0.0925"),
        "portfolio_default_rate": Decimal("0.0740"),
        "reject_coverage_below": Decimal("0.80"),
        "approve_coverage_from": Decimal("1.25"),
        "reject_amount_to_revenue_above": Decimal("1.00"),
        "approve_amount_to_revenue_up_to": Decimal("0.60"),
        "reject_amount_to_revenue_above_by_purpose": {"real_estate": Decimal("3.00")},
        "approve_runway_months_from": Decimal("3.00"),
        "approve_amount_up_to": {
            "USD": Decimal(250_000),
            "EUR": Decimal(225_000),
            "GBP": Decimal(200_000),
            "JPY": Decimal(37_500_000),
        },
        "approve_probability_below": Decimal("0.1500"),
        "approve_stress_below": Decimal("0.2500"),
        "reject_probability_combined": Decimal("0.1500"),
        "reject_stress_combined": Decimal("0.5000"),
    }
