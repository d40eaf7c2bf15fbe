"""Every threshold of the policy just below, at and just above it: a `<` that becomes `<=` refuses or approves somebody.

A mutation of the coverage rule from `<` to `<=` once survived every test.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any

import pytest

from fundline.domain.decision import at_level
from fundline.domain.exposure import NOTHING_ELSE, Exposure
from fundline.domain.facts import ApplicantFacts
from fundline.domain.policy import POLICY_2, POLICY_3
from fundline.domain.repayment import capacity_of
from fundline.domain.rules import (
    AmountToRevenue,
    AutomaticAmount,
    CashRunway,
    Coverage,
    ExposureTogether,
    LikelyRepeat,
    ProbabilityOfDefault,
    RiskCombined,
    Rule,
    RuleOutcome,
    Stress,
)
from support.applicant_facts import GOOD_SCORE, decide_alone, sound_business, stress_of_share
from support.policies import with_rule

SOUND = sound_business()
HOUSE = sound_business(purpose="real_estate")
STRESS = stress_of_share("0.3000")
CAPACITY = capacity_of(SOUND, POLICY_2.annual_rate)
PROBABILITY = at_level(GOOD_SCORE, POLICY_2.portfolio_default_rate)
LENIENT: Mapping[type[Rule], Mapping[str, Any]] = {
    Coverage: {"reject_below": Decimal(0), "approve_from": Decimal(0)},
    AmountToRevenue: {
        "approve_up_to": Decimal(9),
        "reject_above": Decimal(9),
        "reject_above_by_purpose": {"real_estate": Decimal(9)},
    },
    RiskCombined: {"reject_probability_from": Decimal(0), "reject_stress_from": Decimal(0)},
}
"""No other threshold of the rule stands in the way of the one under test."""


@dataclass(frozen=True)
class Threshold:
    """`verdicts`: when the figure is just below the threshold, on it, and just above it.

    `key`: where the threshold is a table, the entry that counts.
    """

    rule: type[Rule]
    name: str
    figure: Decimal
    step: Decimal
    verdicts: tuple[str, str, str]
    facts: ApplicantFacts = SOUND
    key: str | None = None
    beside: Exposure = NOTHING_ELSE


SMALL = Decimal("0.0001")
AT_LEAST_OR_REJECT = ("reject", "pass", "pass")
AT_LEAST = ("refer", "pass", "pass")
AT_MOST_OR_REJECT = ("pass", "pass", "reject")
AT_MOST = ("pass", "pass", "refer")
BELOW = ("pass", "refer", "refer")
BOTH_REACHED = ("pass", "reject", "reject")
SHARE, RUNWAY = CAPACITY.amount_to_revenue, CAPACITY.runway_months
THRESHOLDS = [
    Threshold(Coverage, "reject_below", CAPACITY.coverage, SMALL, AT_LEAST_OR_REJECT),
    Threshold(Coverage, "approve_from", CAPACITY.coverage, SMALL, AT_LEAST),
    Threshold(AmountToRevenue, "reject_above", SHARE, SMALL, AT_MOST_OR_REJECT),
    Threshold(
        AmountToRevenue, "reject_above_by_purpose", SHARE, SMALL, AT_MOST_OR_REJECT, HOUSE, "real_estate"
    ),
    Threshold(AmountToRevenue, "approve_up_to", SHARE, SMALL, AT_MOST),
    Threshold(CashRunway, "approve_months_from", RUNWAY, SMALL, AT_LEAST),
    Threshold(AutomaticAmount, "approve_up_to", SOUND.amount, Decimal("0.01"), AT_MOST, SOUND, "USD"),
    Threshold(ProbabilityOfDefault, "approve_below", PROBABILITY, SMALL, BELOW),
    Threshold(Stress, "approve_below", STRESS.shortfall_probability, SMALL, BELOW),
    Threshold(RiskCombined, "reject_probability_from", PROBABILITY, SMALL, BOTH_REACHED),
    Threshold(RiskCombined, "reject_stress_from", STRESS.shortfall_probability, SMALL, BOTH_REACHED),
    Threshold(
        ExposureTogether, "approve_up_to", SOUND.amount + 7, Decimal("0.01"), AT_MOST, SOUND, "USD",
        Exposure(applicant={"USD": Decimal(7)}),
    ),
    Threshold(LikelyRepeat, "approve_up_to", Decimal(2), Decimal(1), AT_MOST, beside=Exposure(repeats=2)),
]  # fmt: skip


def outcome(threshold: Threshold, limit: Decimal) -> RuleOutcome:
    value = limit if threshold.key is None else {threshold.key: limit}
    lenient = LENIENT.get(threshold.rule, {})
    policy = with_rule(POLICY_3, threshold.rule, **{**lenient, threshold.name: value})
    decision = decide_alone(
        threshold.facts, score=GOOD_SCORE, stress=STRESS, policy=policy, exposure=threshold.beside
    )
    (found, *_) = [one for one in decision.rule_outcomes if one.rule == threshold.rule.name]
    return found


@pytest.mark.parametrize(
    "threshold", THRESHOLDS, ids=lambda threshold: f"{threshold.rule.name}-{threshold.name}"
)
def test_a_figure_just_below_on_and_just_above_each_threshold_gets_its_verdict(threshold: Threshold):
    figure, step = threshold.figure, threshold.step
    found = [outcome(threshold, limit).verdict for limit in (figure + step, figure, figure - step)]
    assert tuple(found) == threshold.verdicts


@pytest.mark.parametrize(
    "threshold", THRESHOLDS, ids=lambda threshold: f"{threshold.rule.name}-{threshold.name}"
)
def test_an_outcome_says_what_was_compared_with_what(threshold: Threshold):
    strict = threshold.figure + threshold.step * (1 if threshold.verdicts[0] != "pass" else -1)
    found = outcome(threshold, strict)
    assert str(threshold.figure) in found.observed
    assert str(strict) in found.limit


def test_every_threshold_of_the_policy_has_its_boundary():
    thresholds = {(type(rule), field.name) for rule in POLICY_3.rules for field in fields(rule)}
    assert {(one.rule, one.name) for one in THRESHOLDS} == thresholds


def test_the_rules_and_thresholds_of_a_policy_never_change_under_its_version():
    """Decisions are replayed by the version they carry: another figure is another version."""
    assert (POLICY_2.version, POLICY_2.annual_rate, POLICY_2.portfolio_default_rate) == (
        "policy-2",
        Decimal("0.0925"),
        Decimal("0.0740"),
    )
    assert [(rule.name, asdict(rule)) for rule in POLICY_2.rules] == [
        ("complete_facts", {}),
        ("model_available", {}),
        ("coverage", {"reject_below": Decimal("0.80"), "approve_from": Decimal("1.25")}),
        (
            "amount_to_revenue",
            {
                "reject_above": Decimal("1.00"),
                "approve_up_to": Decimal("0.60"),
                "reject_above_by_purpose": {"real_estate": Decimal("3.00")},
            },
        ),
        ("cash_runway", {"approve_months_from": Decimal("3.00")}),
        (
            "automatic_amount",
            {
                "approve_up_to": {
                    "USD": Decimal(250_000),
                    "EUR": Decimal(225_000),
                    "GBP": Decimal(200_000),
                    "JPY": Decimal(37_500_000),
                }
            },
        ),
        ("probability_of_default", {"approve_below": Decimal("0.1500")}),
        ("cash_flow_stress", {"approve_below": Decimal("0.2500")}),
        (
            "risk_combined",
            {"reject_probability_from": Decimal("0.1500"), "reject_stress_from": Decimal("0.5000")},
        ),
    ]


def test_the_later_policy_is_the_earlier_one_with_two_rules_more():
    assert (
        replace(
            POLICY_3, version="policy-2", rules=POLICY_3.rules[: len(POLICY_2.rules)], has_plain_figures=False
        )
        == POLICY_2
    )
    assert [(rule.name, asdict(rule)) for rule in POLICY_3.rules[len(POLICY_2.rules) :]] == [
        (
            "exposure",
            {
                "approve_up_to": {
                    "USD": Decimal(250_000),
                    "EUR": Decimal(225_000),
                    "GBP": Decimal(200_000),
                    "JPY": Decimal(37_500_000),
                }
            },
        ),
        ("likely_repeat", {"approve_up_to": 0}),
    ]
