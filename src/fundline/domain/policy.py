"""Lending policy: turns facts, a model's score and simulated cash flow into a decision.

A policy is data: thresholds, no code. Every rule answers pass, refer or reject; the strictest answer decides. Promises
that hold whatever the thresholds:

- An application with anything missing is referred, never approved or rejected; so is one whose facts no model takes.
- Without the chosen model's score, or without the simulation, nothing is approved (fail closed). What is rejected then
  is rejected on the applicant's own figures alone.
- A model alone never rejects. Ours rank with an AUC near 0.62 out of time: a high probability asks for a person, and
  turns into a rejection only where the cash flow fails in most futures too.
- The reasons of a decision come only from the rules that made it, and from the model only when its rule was one.

Versions stay in POLICIES for as long as their decisions are replayed: a changed threshold is a new version.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Literal

from fundline.domain.facts import ApplicantFacts
from fundline.domain.reasons import REASON_BY_FEATURE, PrincipalReason, principal_reasons
from fundline.domain.repayment import ARITHMETIC, RepaymentCapacity, capacity_of
from fundline.domain.rules import RuleOutcome, Verdict, at_least, at_most, completeness
from fundline.domain.scoring import PROBABILITY_STEP, CashFlowStress, ModelScore

DecisionStatus = Literal["approved", "rejected", "pending_review"]

NEGLIGIBLE_LOG_ODDS = Decimal("0.10")
"""A tenth of a log odds moves a probability of 10 % by one point: less is no principal reason."""
UNSCORED = Decimal("1.0000")
NO_MODEL = "none"


@dataclass(frozen=True)
class Policy:
    """Thresholds. Rates are yearly fractions, probabilities fractions, amounts ratios to a year's revenue.

    `annual_rate`: the rate an instalment is worked out at, the median of the 7(a) approvals since 2020.
    `portfolio_default_rate`: today's level, to which a model's probability is corrected: 4.17 % of the 7(a) loans of
    fiscal years 2015 to 2019 were charged off within 60 months, by which time 56.6 % of all charge-offs have happened.
    Coverage: SBA's SOP 50 10 asks for 1.15 of checked figures; unchecked ones need 1.25, and under 0.80 the business
    cannot carry the loan even if they are a quarter too low.
    `reject_*_combined`: both must be reached.
    `approve_amount_up_to`: major units by currency; above it, or in another currency, a person looks.
    """

    version: str
    annual_rate: Decimal = Decimal("0.0925")
    portfolio_default_rate: Decimal = Decimal("0.0740")
    reject_coverage_below: Decimal = Decimal("0.80")
    approve_coverage_from: Decimal = Decimal("1.25")
    reject_amount_to_revenue_above: Decimal = Decimal("1.00")
    approve_amount_to_revenue_up_to: Decimal = Decimal("0.60")
    reject_amount_to_revenue_above_by_purpose: Mapping[str, Decimal] = field(
        default_factory=lambda: {"real_estate": Decimal("3.00")}
    )
    approve_runway_months_from: Decimal = Decimal("3.00")
    approve_amount_up_to: Mapping[str, Decimal] = field(
        default_factory=lambda: {
            "USD": Decimal(250_000),
            "EUR": Decimal(225_000),
            "GBP": Decimal(200_000),
            "JPY": Decimal(37_500_000),
        }
    )
    approve_probability_below: Decimal = Decimal("0.1500")
    approve_stress_below: Decimal = Decimal("0.2500")
    reject_probability_combined: Decimal = Decimal("0.1500")
    reject_stress_combined: Decimal = Decimal("0.5000")


POLICY_2 = Policy(version="policy-2")
POLICIES: Mapping[str, Policy] = {policy.version: policy for policy in (POLICY_2,)}


@dataclass(frozen=True, slots=True)
class Decision:
    """`risk_score`: the probability of default at today's level, 4 places; 1.0000 and model "none" without a score.

    Reasons: one to four, none if approved.
    """

    status: DecisionStatus
    risk_score: Decimal
    principal_reasons: tuple[PrincipalReason, ...]
    rule_outcomes: tuple[RuleOutcome, ...]
    model_version: str
    policy_version: str
    capacity: RepaymentCapacity


def decide(
    facts: ApplicantFacts,
    *,
    score: ModelScore | None,
    stress: CashFlowStress | None,
    policy: Policy = POLICY_2,
    no_score_because: str | None = None,
    fallback_because: str | None = None,
) -> Decision:
    """Decide one application. The same arguments give the same decision.

    `fallback_because`: why the chosen model did not answer; `score` is then another one's, or None.
    `no_score_because`: why there is no score; without a `fallback_because` it says why the facts form no features.
    """
    risk_score = UNSCORED if score is None else at_level(score, policy.portfolio_default_rate)
    capacity = capacity_of(facts, policy.annual_rate)
    is_model_away = score is None or fallback_because is not None
    refused_because = no_score_because if score is None and fallback_because is None else None
    outcomes = (
        *completeness(facts, refused_because),
        _availability_rule(is_model_away, refused_because, fallback_because or no_score_because),
        *_figure_rules(facts, capacity, policy),
        _probability_rule(None if score is None else risk_score, policy),
        _stress_rule(stress, policy),
        _combined_rule(None if is_model_away else risk_score, stress, policy),
    )
    status = _status(outcomes)
    return Decision(
        status=status,
        risk_score=risk_score,
        principal_reasons=principal_reasons(_reason_codes(status, outcomes, score)),
        rule_outcomes=outcomes,
        model_version=NO_MODEL if score is None else score.version,
        policy_version=policy.version,
        capacity=capacity,
    )


def at_level(score: ModelScore, default_rate: Decimal) -> Decimal:
    """The model's probability as it would be if `default_rate` of all loans defaulted, in 4 places.

    Prior correction: log odds shift by the difference of the two levels' log odds (King & Zeng, Logistic Regression in
    Rare Events Data, Political Analysis 2001, section 4.1; Elkan, The Foundations of Cost-Sensitive Learning, IJCAI
    2001, theorem 2). It moves the level and never the order.
    """
    with localcontext(ARITHMETIC):
        odds_ratio = default_rate / (1 - default_rate) * (1 - score.base_rate) / score.base_rate
        weighted = score.probability * odds_ratio
        return (weighted / (weighted + 1 - score.probability)).quantize(PROBABILITY_STEP)


def _availability_rule(is_model_away: bool, refused_because: str | None, cause: str | None) -> RuleOutcome:
    rule, reason = "model_available", "model_unavailable"
    if refused_because is not None:
        # There were no features to ask a model about; the facts say so.
        return RuleOutcome(rule, "not_evaluated", None, None, reason)
    return RuleOutcome(rule, "refer" if is_model_away else "pass", cause, None, reason)


def _figure_rules(
    facts: ApplicantFacts, capacity: RepaymentCapacity, policy: Policy
) -> tuple[RuleOutcome, ...]:
    """Those that rest on what the applicant stated and on nothing else."""
    largest_share = policy.reject_amount_to_revenue_above_by_purpose.get(
        facts.purpose, policy.reject_amount_to_revenue_above
    )
    return (
        at_least(
            "coverage", capacity.coverage, policy.reject_coverage_below, policy.approve_coverage_from,
            "coverage_insufficient",
        ),
        at_most(
            "amount_to_revenue", capacity.amount_to_revenue, largest_share,
            policy.approve_amount_to_revenue_up_to, "amount_high_for_revenue",
        ),
        at_least(
            "cash_runway", capacity.runway_months, None,
            policy.approve_runway_months_from, "cash_reserves_low",
        ),
        at_most(
            "automatic_amount", facts.amount, None,
            policy.approve_amount_up_to.get(facts.currency, Decimal(0)), "amount_needs_a_person",
        ),
    )  # fmt: skip


def _probability_rule(probability: Decimal | None, policy: Policy) -> RuleOutcome:
    rule, limit = "probability_of_default", policy.approve_probability_below
    if probability is None:
        return RuleOutcome(rule, "not_evaluated", None, str(limit), "probability_of_default_high")
    verdict: Verdict = "refer" if probability >= limit else "pass"
    return RuleOutcome(rule, verdict, str(probability), str(limit), "probability_of_default_high")


def _stress_rule(stress: CashFlowStress | None, policy: Policy) -> RuleOutcome:
    rule, limit = "cash_flow_stress", policy.approve_stress_below
    if stress is None:
        return RuleOutcome(rule, "refer", None, str(limit), "model_unavailable")
    share = stress.shortfall_probability
    verdict: Verdict = "refer" if share >= limit else "pass"
    return RuleOutcome(rule, verdict, str(share), str(limit), "cash_flow_fragile")


def _combined_rule(probability: Decimal | None, stress: CashFlowStress | None, policy: Policy) -> RuleOutcome:
    """`probability` None: the chosen model did not answer, and another one may not reject."""
    rule, reason = "risk_combined", "cash_flow_fragile"
    limit = f"{policy.reject_probability_combined} and {policy.reject_stress_combined}"
    if probability is None or stress is None:
        return RuleOutcome(rule, "not_evaluated", None, limit, reason)
    share = stress.shortfall_probability
    fails = probability >= policy.reject_probability_combined and share >= policy.reject_stress_combined
    return RuleOutcome(rule, "reject" if fails else "pass", f"{probability} and {share}", limit, reason)


def _status(outcomes: tuple[RuleOutcome, ...]) -> DecisionStatus:
    if any(outcome.rule == "complete_facts" and outcome.verdict == "refer" for outcome in outcomes):
        return "pending_review"
    verdicts = {outcome.verdict for outcome in outcomes}
    if "reject" in verdicts:
        return "rejected"
    return "approved" if verdicts == {"pass"} else "pending_review"


def _reason_codes(
    status: DecisionStatus, outcomes: tuple[RuleOutcome, ...], score: ModelScore | None
) -> tuple[str, ...]:
    """Missing facts stop every other rule; else the rules that fired say why, the model's own reasons last."""
    deciding = {"approved": "", "rejected": "reject", "pending_review": "refer"}[status]
    fired = {outcome.rule: outcome for outcome in outcomes if outcome.verdict == deciding}
    if "complete_facts" in fired:
        gaps = [outcome.reason for outcome in outcomes if outcome.rule == "complete_facts"]
        away = [fired["model_available"].reason] if "model_available" in fired else []
        return (*gaps, *away)
    codes = [outcome.reason for rule, outcome in fired.items() if rule != "probability_of_default"]
    if score is not None and fired.keys() & {"probability_of_default", "risk_combined"}:
        codes += _hurting(score)
    return tuple(codes)


def _hurting(score: ModelScore) -> list[str]:
    """Codes of the features that raised the probability, the heaviest first. Never empty."""
    weighty = [one for one in score.contributions if one.log_odds > NEGLIGIBLE_LOG_ODDS]
    by_hurt = sorted(weighty, key=lambda one: -one.log_odds)
    codes = [REASON_BY_FEATURE.get(one.feature, "probability_of_default_high") for one in by_hurt]
    return codes or ["probability_of_default_high"]
