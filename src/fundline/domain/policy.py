"""Lending policy 1: turns facts and a score into a decision.

A policy is data: thresholds, no code. Every rule answers pass, refer or reject; the strictest answer decides.
Two promises hold whatever the thresholds: an application with anything missing is referred, never approved or
rejected (fail closed), and the reasons of a decision come only from the rules that made it, and from the
score only when the score made it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from fundline.domain.reasons import PrincipalReason, principal_reasons
from fundline.domain.scorecard import SCORECARD_1, ApplicantFacts, Score, Scorecard, score

Verdict = Literal["pass", "refer", "reject", "not_evaluated"]
DecisionStatus = Literal["approved", "rejected", "pending_review"]

NEGLIGIBLE_POINTS = Decimal("0.10")
"""A tenth of a log odds moves a probability of 10 % by one point: less is no principal reason."""

REASON_BY_CHARACTERISTIC: Mapping[str, str] = {
    "sector": "sector_history",
    "state": "state_history",
    "coverage": "coverage_insufficient",
    "runway_months": "cash_reserves_low",
    "amount_to_revenue": "amount_high_for_revenue",
    "business_age": "business_new",
    "legal_form": "legal_form",
    "franchise": "franchise",
    "location": "location",
    "employees": "employees_few",
    "term_months": "term_long",
    "jobs": "jobs_few",
}


@dataclass(frozen=True)
class Policy:
    """Thresholds. Rates are yearly fractions, amounts ratios to a year's revenue: no currency needed.

    `annual_rate`: the rate an instalment is worked out at, the median of the 7(a) approvals since 2020.
    Coverage: SBA's SOP 50 10 asks for 1.15 of checked figures; unchecked ones need 1.25, and under
    0.80 the business cannot carry the loan even if they are a quarter too low. The probabilities are
    thresholds on a ranking (see the scorecard), set so that about a sixth is left to a person.
    """

    version: str
    annual_rate: Decimal = Decimal("0.0925")
    reject_coverage_below: Decimal = Decimal("0.80")
    approve_coverage_from: Decimal = Decimal("1.25")
    reject_amount_to_revenue_above: Decimal = Decimal("1.00")
    approve_amount_to_revenue_up_to: Decimal = Decimal("0.60")
    reject_amount_to_revenue_above_by_purpose: Mapping[str, Decimal] = field(
        default_factory=lambda: {"real_estate": Decimal("3.00")}
    )
    approve_runway_months_from: Decimal = Decimal("3.00")
    reject_probability_from: Decimal = Decimal("0.2500")
    approve_probability_below: Decimal = Decimal("0.1000")


POLICY_1 = Policy(version="policy-1")


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """One rule's answer. `observed` and `limit` are what was compared, as text; `None` if nothing was."""

    rule: str
    verdict: Verdict
    observed: str | None
    limit: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """`risk_score` is the probability of default, in 4 places. Reasons: one to four, none if approved."""

    status: DecisionStatus
    risk_score: Decimal
    principal_reasons: tuple[PrincipalReason, ...]
    rule_outcomes: tuple[RuleOutcome, ...]
    model_version: str
    policy_version: str
    score: Score


def decide(facts: ApplicantFacts, policy: Policy = POLICY_1, scorecard: Scorecard = SCORECARD_1) -> Decision:
    """Score and decide one application. The same facts, policy and scorecard give the same decision."""
    result = score(facts, policy.annual_rate, scorecard)
    outcomes = _apply_rules(facts, result, policy)
    status = _status(outcomes)
    return Decision(
        status=status,
        risk_score=result.probability_of_default,
        principal_reasons=principal_reasons(_reason_codes(status, outcomes, result)),
        rule_outcomes=outcomes,
        model_version=result.version,
        policy_version=policy.version,
        score=result,
    )


def _apply_rules(facts: ApplicantFacts, result: Score, policy: Policy) -> tuple[RuleOutcome, ...]:
    capacity = result.capacity
    largest_share = policy.reject_amount_to_revenue_above_by_purpose.get(
        facts.purpose, policy.reject_amount_to_revenue_above
    )
    gaps = tuple(RuleOutcome("complete_facts", "refer", None, None, code) for code in result.missing)
    return (
        *(gaps or (RuleOutcome("complete_facts", "pass", None, None, ""),)),
        _at_least(
            "coverage", capacity.coverage, policy.reject_coverage_below, policy.approve_coverage_from,
            "coverage_insufficient",
        ),
        _at_most(
            "amount_to_revenue", capacity.amount_to_revenue, largest_share,
            policy.approve_amount_to_revenue_up_to, "amount_high_for_revenue",
        ),
        _at_least(
            "cash_runway", capacity.runway_months, None,
            policy.approve_runway_months_from, "cash_reserves_low",
        ),
        _probability_rule(result, policy),
    )  # fmt: skip


def _at_least(
    rule: str, observed: Decimal | None, reject_below: Decimal | None, approve_from: Decimal, reason: str
) -> RuleOutcome:
    if observed is None:
        return RuleOutcome(rule, "not_evaluated", None, str(approve_from), reason)
    if reject_below is not None and observed < reject_below:
        return RuleOutcome(rule, "reject", str(observed), str(reject_below), reason)
    verdict: Verdict = "refer" if observed < approve_from else "pass"
    return RuleOutcome(rule, verdict, str(observed), str(approve_from), reason)


def _at_most(
    rule: str, observed: Decimal | None, reject_above: Decimal, approve_up_to: Decimal, reason: str
) -> RuleOutcome:
    if observed is None:
        return RuleOutcome(rule, "not_evaluated", None, str(approve_up_to), reason)
    if observed > reject_above:
        return RuleOutcome(rule, "reject", str(observed), str(reject_above), reason)
    verdict: Verdict = "refer" if observed > approve_up_to else "pass"
    return RuleOutcome(rule, verdict, str(observed), str(approve_up_to), reason)


def _probability_rule(result: Score, policy: Policy) -> RuleOutcome:
    rule, reason = "probability_of_default", "probability_of_default_high"
    probability = result.probability_of_default
    if result.missing:
        return RuleOutcome(rule, "not_evaluated", None, str(policy.approve_probability_below), reason)
    if probability >= policy.reject_probability_from:
        return RuleOutcome(rule, "reject", str(probability), str(policy.reject_probability_from), reason)
    verdict: Verdict = "refer" if probability >= policy.approve_probability_below else "pass"
    return RuleOutcome(rule, verdict, str(probability), str(policy.approve_probability_below), reason)


def _status(outcomes: tuple[RuleOutcome, ...]) -> DecisionStatus:
    if any(outcome.rule == "complete_facts" and outcome.verdict == "refer" for outcome in outcomes):
        return "pending_review"
    verdicts = {outcome.verdict for outcome in outcomes}
    if "reject" in verdicts:
        return "rejected"
    return "approved" if verdicts == {"pass"} else "pending_review"


def _reason_codes(
    status: DecisionStatus, outcomes: tuple[RuleOutcome, ...], result: Score
) -> tuple[str, ...]:
    if status == "approved":
        return ()
    if result.missing:
        return result.missing
    deciding: Verdict = "reject" if status == "rejected" else "refer"
    fired = [outcome for outcome in outcomes if outcome.verdict == deciding]
    knock_outs = {outcome.reason for outcome in fired if outcome.rule != "probability_of_default"}
    hurting = sorted(
        (contribution for contribution in result.contributions if contribution.points > 0),
        key=lambda contribution: -contribution.points,
    )
    weighty = [
        contribution for contribution in hurting if contribution.points >= NEGLIGIBLE_POINTS
    ] or hurting
    by_hurt = [REASON_BY_CHARACTERISTIC[contribution.characteristic] for contribution in weighty]
    first = sorted(
        knock_outs, key=lambda code: (by_hurt.index(code) if code in by_hurt else len(by_hurt), code)
    )
    if len(knock_outs) == len(fired):
        return tuple(first)
    # A score can only be too high through points above zero, unless a policy refuses the average applicant.
    return (*first, *by_hurt) or ("probability_of_default_high",)
