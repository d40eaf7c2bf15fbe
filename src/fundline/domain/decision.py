"""Deciding one application: facts, a model's score and the simulated cash flow, judged by the rules of a policy.

Every rule answers pass, refer or reject; the strictest answer decides. Promises that hold whatever the policy:

- An application with anything missing is referred, never approved or rejected; so is one whose facts no model takes.
- Without the chosen model's score, or without the simulation, nothing is approved (fail closed). What is rejected then
  is rejected on the applicant's own figures alone.
- A model alone never rejects. Ours rank with an AUC near 0.62 out of time: a high probability asks for a person, and
  turns into a rejection only where the cash flow fails in most futures too.
- The reasons of a decision come only from the rules that made it, and from the model only when its rule was one.
"""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Literal

from fundline.domain.exposure import Exposure
from fundline.domain.facts import ApplicantFacts
from fundline.domain.policy import CURRENT_POLICY, Policy
from fundline.domain.reasons import REASON_BY_FEATURE, PrincipalReason, principal_reasons
from fundline.domain.repayment import ARITHMETIC, RepaymentCapacity, capacity_of
from fundline.domain.rules import CompleteFacts, ModelAvailable, ModelReasons, RuleOutcome, Situation
from fundline.domain.scoring import PROBABILITY_STEP, CashFlowStress, ModelScore

DecisionStatus = Literal["approved", "rejected", "pending_review"]

NEGLIGIBLE_LOG_ODDS = Decimal("0.10")
"""A tenth of a log odds moves a probability of 10 % by one point: less is not a principal reason."""
UNSCORED = Decimal("1.0000")
NO_MODEL = "none"


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
    policy: Policy = CURRENT_POLICY,
    no_score_because: str | None = None,
    fallback_because: str | None = None,
    exposure: Exposure | None = None,
) -> Decision:
    """Decide one application. The same arguments give the same decision.

    `exposure`: what is open or paid beside this application; None, nobody has looked, and a policy that asks refers.
    `fallback_because`: why the chosen model did not answer; `score` is then another one's, or None.
    `no_score_because`: why there is no score; without a `fallback_because` it says why the facts form no features.
    """
    probability = None if score is None else at_level(score, policy.portfolio_default_rate)
    situation = Situation(
        facts=facts,
        capacity=capacity_of(
            facts,
            policy.annual_rate,
            policy.instalment_step(facts.currency),
            plain_zero=policy.has_plain_figures,
        ),
        probability=probability,
        stress=stress,
        is_model_away=score is None or fallback_because is not None,
        away_because=fallback_because or no_score_because,
        refused_because=no_score_because if score is None and fallback_because is None else None,
        exposure=exposure,
    )
    outcomes = tuple(outcome for rule in policy.rules for outcome in rule.outcomes(situation))
    status = _status(outcomes)
    return Decision(
        status=status,
        risk_score=UNSCORED if probability is None else probability,
        principal_reasons=principal_reasons(_reason_codes(status, outcomes, score, policy)),
        rule_outcomes=outcomes,
        model_version=NO_MODEL if score is None else score.version,
        policy_version=policy.version,
        capacity=situation.capacity,
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


def _status(outcomes: tuple[RuleOutcome, ...]) -> DecisionStatus:
    if any(outcome.rule == CompleteFacts.name and outcome.verdict == "refer" for outcome in outcomes):
        return "pending_review"
    verdicts = {outcome.verdict for outcome in outcomes}
    if "reject" in verdicts:
        return "rejected"
    return "approved" if verdicts == {"pass"} else "pending_review"


def _reason_codes(
    status: DecisionStatus, outcomes: tuple[RuleOutcome, ...], score: ModelScore | None, policy: Policy
) -> tuple[str, ...]:
    """Missing facts stop every other rule; else the rules that fired say why, the model's own reasons last."""
    deciding = {"approved": "", "rejected": "reject", "pending_review": "refer"}[status]
    fired = [outcome for outcome in outcomes if outcome.verdict == deciding]
    gaps = [outcome.reason for outcome in fired if outcome.rule == CompleteFacts.name]
    if gaps:
        return (*gaps, *(outcome.reason for outcome in fired if outcome.rule == ModelAvailable.name))
    model_reasons: dict[str, ModelReasons] = {rule.name: rule.model_reasons for rule in policy.rules}
    codes = [outcome.reason for outcome in fired if model_reasons[outcome.rule] != "instead"]
    if score is not None and any(model_reasons[outcome.rule] != "none" for outcome in fired):
        codes += _hurting(score)
    return tuple(codes)


def _hurting(score: ModelScore) -> list[str]:
    """Codes of the features that raised the probability, the heaviest first. Never empty."""
    weighty = [one for one in score.contributions if one.log_odds > NEGLIGIBLE_LOG_ODDS]
    by_hurt = sorted(weighty, key=lambda one: -one.log_odds)
    codes = [REASON_BY_FEATURE.get(one.feature, "probability_of_default_high") for one in by_hurt]
    return codes or ["probability_of_default_high"]
