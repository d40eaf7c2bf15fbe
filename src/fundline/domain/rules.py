"""The rules that a policy may carry: each has a name, its own thresholds, and an answer to one situation.

A rule never changes under its class: decisions are replayed by the policy they carry, and that policy holds these very
classes. A rule that must judge otherwise is another class beside this one; it may have the same name. A new rule is
one class here, and its place in the rules of a new policy.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal

from fundline.domain.exposure import Amounts, Exposure, Shared, is_above, together
from fundline.domain.facts import ApplicantFacts
from fundline.domain.repayment import RepaymentCapacity
from fundline.domain.scoring import CashFlowStress

Verdict = Literal["pass", "refer", "reject", "not_evaluated"]
ModelReasons = Literal["none", "added", "instead"]
BUSINESS_AGES = frozenset({"new", "existing"})
LEGAL_FORMS = frozenset({"sole_proprietorship", "partnership", "llc", "corporation", "other"})
LOCATIONS = frozenset({"urban", "rural"})
_REASON_OF: Mapping[Shared, str] = {
    Shared.APPLICANT: "exposure_of_applicant",
    Shared.BUSINESS: "exposure_of_business",
    Shared.ACCOUNT: "exposure_of_account",
}


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """One rule's answer. `observed` and `limit` are what was compared, as text; `None` if nothing was."""

    rule: str
    verdict: Verdict
    observed: str | None
    limit: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a rule may look at.

    `probability`: of default, at today's level; None without a score. `is_model_away`: the chosen model did not answer;
    `probability` is then another model's, or None. `refused_because`: why no model takes the facts, None if one does.
    `exposure`: what is open or paid beside this application; None when nobody has looked.
    """

    facts: ApplicantFacts
    capacity: RepaymentCapacity
    probability: Decimal | None
    stress: CashFlowStress | None
    is_model_away: bool
    away_because: str | None
    refused_because: str | None
    exposure: Exposure | None = None


class Rule(ABC):
    """`name` is unique in a policy and stands in the evidence. `model_reasons`: what the model's own reasons are to the
    reason of this rule when it made the decision: not told, told after it, or told in its place."""

    name: ClassVar[str]
    model_reasons: ClassVar[ModelReasons] = "none"

    @abstractmethod
    def outcomes(self, situation: Situation) -> tuple[RuleOutcome, ...]:
        """At least one."""


@dataclass(frozen=True, slots=True)
class CompleteFacts(Rule):
    """One referral for each thing that is missing, or one pass."""

    name: ClassVar[str] = "complete_facts"

    def outcomes(self, situation: Situation) -> tuple[RuleOutcome, ...]:
        gaps = [RuleOutcome(self.name, "refer", None, None, code) for code in _gaps(situation.facts)]
        cause = situation.refused_because
        if cause is not None:
            gaps.append(RuleOutcome(self.name, "refer", cause, None, "input_out_of_range"))
        return tuple(gaps) or (RuleOutcome(self.name, "pass", None, None, ""),)


@dataclass(frozen=True, slots=True)
class ModelAvailable(Rule):
    name: ClassVar[str] = "model_available"

    def outcomes(self, situation: Situation) -> tuple[RuleOutcome, ...]:
        reason = "model_unavailable"
        if situation.refused_because is not None:
            # There were no features to ask a model about; the facts say so.
            return (RuleOutcome(self.name, "not_evaluated", None, None, reason),)
        verdict: Verdict = "refer" if situation.is_model_away else "pass"
        return (RuleOutcome(self.name, verdict, situation.away_because, None, reason),)


@dataclass(frozen=True, slots=True)
class Coverage(Rule):
    """SBA's SOP 50 10 asks for 1.15 of checked figures: unchecked ones need more."""

    reject_below: Decimal
    approve_from: Decimal
    name: ClassVar[str] = "coverage"

    def outcomes(self, situation: Situation) -> tuple[RuleOutcome, ...]:
        observed, reason = situation.capacity.coverage, "coverage_insufficient"
        return (_at_least(self.name, observed, self.reject_below, self.approve_from, reason),)


@dataclass(frozen=True, slots=True)
class AmountToRevenue(Rule):
    """Ratios to a year's revenue. `reject_above_by_purpose` stands in for `reject_above` where it has the purpose."""

    reject_above: Decimal
    approve_up_to: Decimal
    reject_above_by_purpose: Mapping[str, Decimal]
    name: ClassVar[str] = "amount_to_revenue"

    def outcomes(self, situation: Situation) -> tuple[RuleOutcome, ...]:
        largest = self.reject_above_by_purpose.get(situation.facts.purpose, self.reject_above)
        observed, reason = situation.capacity.amount_to_revenue, "amount_high_for_revenue"
        return (_at_most(self.name, observed, largest, self.approve_up_to, reason),)


@dataclass(frozen=True, slots=True)
class CashRunway(Rule):
    approve_months_from: Decimal
    name: ClassVar[str] = "cash_runway"

    def outcomes(self, situation: Situation) -> tuple[RuleOutcome, ...]:
        observed = situation.capacity.runway_months
        return (_at_least(self.name, observed, None, self.approve_months_from, "cash_reserves_low"),)


@dataclass(frozen=True, slots=True)
class AutomaticAmount(Rule):
    """`approve_up_to`: major units by currency; above it, or in another currency, a person looks."""

    approve_up_to: Mapping[str, Decimal]
    name: ClassVar[str] = "automatic_amount"

    def outcomes(self, situation: Situation) -> tuple[RuleOutcome, ...]:
        facts, reason = situation.facts, "amount_needs_a_person"
        limit = self.approve_up_to.get(facts.currency, Decimal(0))
        return (_at_most(self.name, facts.amount, None, limit, reason),)


@dataclass(frozen=True, slots=True)
class ExposureTogether(Rule):
    """What is open or paid to the same applicant, to the same business and to the same account, this one included.

    Where nothing else is, the rule for single amounts speaks alone. `approve_up_to`: major units by currency;
    currencies count together by their shares of it, see `exposure.py`.
    """

    approve_up_to: Mapping[str, Decimal]
    name: ClassVar[str] = "exposure"

    def outcomes(self, situation: Situation) -> tuple[RuleOutcome, ...]:
        exposure, facts = situation.exposure, situation.facts
        if exposure is None:
            return (RuleOutcome(self.name, "refer", None, None, "exposure_unknown"),)
        return tuple(
            self._outcome(shared, exposure.of(shared), facts.amount, facts.currency) for shared in Shared
        )

    def _outcome(self, shared: Shared, others: Amounts, amount: Decimal, currency: str) -> RuleOutcome:
        amounts = together(others, amount, currency)
        verdict: Verdict = "refer" if others and is_above(amounts, self.approve_up_to) else "pass"
        limits = {currency: self.approve_up_to.get(currency, Decimal(0)) for currency in amounts}
        return RuleOutcome(self.name, verdict, _listed(amounts), _listed(limits), _REASON_OF[shared])


@dataclass(frozen=True, slots=True)
class LikelyRepeat(Rule):
    """The same amount for the same business and account within a day, asked for before or paid already."""

    approve_up_to: int
    name: ClassVar[str] = "likely_repeat"

    def outcomes(self, situation: Situation) -> tuple[RuleOutcome, ...]:
        if situation.exposure is None:
            return (RuleOutcome(self.name, "refer", None, None, "exposure_unknown"),)
        repeats = situation.exposure.repeats
        verdict: Verdict = "refer" if repeats > self.approve_up_to else "pass"
        return (RuleOutcome(self.name, verdict, str(repeats), str(self.approve_up_to), "likely_repeat"),)


@dataclass(frozen=True, slots=True)
class ProbabilityOfDefault(Rule):
    approve_below: Decimal
    name: ClassVar[str] = "probability_of_default"
    model_reasons: ClassVar[ModelReasons] = "instead"

    def outcomes(self, situation: Situation) -> tuple[RuleOutcome, ...]:
        observed, reason = situation.probability, "probability_of_default_high"
        return (_below(self.name, observed, self.approve_below, reason),)


@dataclass(frozen=True, slots=True)
class Stress(Rule):
    """The share of simulated futures in which an instalment could not be paid."""

    approve_below: Decimal
    name: ClassVar[str] = "cash_flow_stress"

    def outcomes(self, situation: Situation) -> tuple[RuleOutcome, ...]:
        if situation.stress is None:
            limit = str(self.approve_below)
            return (RuleOutcome(self.name, "refer", None, limit, "model_unavailable"),)
        share = situation.stress.shortfall_probability
        return (_below(self.name, share, self.approve_below, "cash_flow_fragile"),)


@dataclass(frozen=True, slots=True)
class RiskCombined(Rule):
    """Rejects when both are reached; not asked when the chosen model did not answer, for another one may not reject."""

    reject_probability_from: Decimal
    reject_stress_from: Decimal
    name: ClassVar[str] = "risk_combined"
    model_reasons: ClassVar[ModelReasons] = "added"

    def outcomes(self, situation: Situation) -> tuple[RuleOutcome, ...]:
        reason = "cash_flow_fragile"
        limit = f"{self.reject_probability_from} and {self.reject_stress_from}"
        probability, stress = situation.probability, situation.stress
        if situation.is_model_away or probability is None or stress is None:
            return (RuleOutcome(self.name, "not_evaluated", None, limit, reason),)
        share = stress.shortfall_probability
        fails = probability >= self.reject_probability_from and share >= self.reject_stress_from
        verdict: Verdict = "reject" if fails else "pass"
        return (RuleOutcome(self.name, verdict, f"{probability} and {share}", limit, reason),)


def _gaps(facts: ApplicantFacts) -> list[str]:
    """The codes of what is missing."""
    gaps = {
        "annual_revenue_missing": facts.annual_revenue is None,
        "operating_margin_missing": facts.operating_margin is None,
        "monthly_debt_service_missing": facts.monthly_debt_service is None,
        "cash_at_bank_missing": facts.cash_at_bank is None,
        "sector_unknown": facts.sector_volatility is None,
        "state_unknown": not facts.state_known,
        "business_age_unknown": facts.business_age not in BUSINESS_AGES,
        "legal_form_unknown": facts.legal_form not in LEGAL_FORMS,
        "location_unknown": facts.location not in LOCATIONS,
    }
    return [code for code, is_missing in gaps.items() if is_missing]


def _listed(amounts: Amounts) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in sorted(amounts.items()))


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
    rule: str, observed: Decimal | None, reject_above: Decimal | None, approve_up_to: Decimal, reason: str
) -> RuleOutcome:
    if observed is None:
        return RuleOutcome(rule, "not_evaluated", None, str(approve_up_to), reason)
    if reject_above is not None and observed > reject_above:
        return RuleOutcome(rule, "reject", str(observed), str(reject_above), reason)
    verdict: Verdict = "refer" if observed > approve_up_to else "pass"
    return RuleOutcome(rule, verdict, str(observed), str(approve_up_to), reason)


def _below(rule: str, observed: Decimal | None, approve_below: Decimal, reason: str) -> RuleOutcome:
    if observed is None:
        return RuleOutcome(rule, "not_evaluated", None, str(approve_below), reason)
    verdict: Verdict = "refer" if observed >= approve_below else "pass"
    return RuleOutcome(rule, verdict, str(observed), str(approve_below), reason)
