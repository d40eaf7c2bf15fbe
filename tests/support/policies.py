"""Policies for tests: one with another threshold, and a further version that adds, drops and reorders rules."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar, cast

from fundline.domain.policy import POLICY_2, Policy
from fundline.domain.rules import CashRunway, CompleteFacts, Rule, RuleOutcome, Situation, Stress

R = TypeVar("R", bound=Rule)


def rule_of(policy: Policy, kind: type[R]) -> R:
    """The policy's rule of this class."""
    (found,) = [rule for rule in policy.rules if isinstance(rule, kind)]
    return found


def with_rule(policy: Policy, kind: type[Rule], **thresholds: Any) -> Policy:
    """The policy with other thresholds in its rule of this class."""
    rules = [
        replace(cast("Any", rule), **thresholds) if type(rule) is kind else rule for rule in policy.rules
    ]
    return replace(policy, rules=tuple(rules))


@dataclass(frozen=True, slots=True)
class ShortTerm(Rule):
    """A rule that no version of today has."""

    approve_months_up_to: int
    name: ClassVar[str] = "short_term"

    def outcomes(self, situation: Situation) -> tuple[RuleOutcome, ...]:
        months, limit = situation.facts.term_months, self.approve_months_up_to
        verdict: Any = "refer" if months > limit else "pass"
        return (RuleOutcome(self.name, verdict, str(months), str(limit), "amount_needs_a_person"),)


def _rules_of_the_next() -> tuple[Rule, ...]:
    kept = [rule for rule in POLICY_2.rules if not isinstance(rule, CompleteFacts | CashRunway | Stress)]
    return (CompleteFacts(), rule_of(POLICY_2, Stress), *kept, ShortTerm(approve_months_up_to=120))


POLICY_NEXT = replace(POLICY_2, version="policy-next", rules=_rules_of_the_next())
"""Asks for the simulation first, does not ask for the cash runway, and asks for the term."""
