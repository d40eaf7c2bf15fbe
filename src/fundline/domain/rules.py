"""What rules are made of: the answer of one rule, the comparisons, and the facts without which none counts."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from fundline.domain.facts import ApplicantFacts

Verdict = Literal["pass", "refer", "reject", "not_evaluated"]
BUSINESS_AGES = frozenset({"new", "existing"})
LEGAL_FORMS = frozenset({"sole_proprietorship", "partnership", "llc", "corporation", "other"})
LOCATIONS = frozenset({"urban", "rural"})


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """One rule's answer. `observed` and `limit` are what was compared, as text; `None` if nothing was."""

    rule: str
    verdict: Verdict
    observed: str | None
    limit: str | None
    reason: str


def completeness(facts: ApplicantFacts, refused_because: str | None) -> tuple[RuleOutcome, ...]:
    """One referral for each thing that is missing, or one pass. `refused_because`: why no model takes the facts."""
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
    found = [
        RuleOutcome("complete_facts", "refer", None, None, code)
        for code, is_missing in gaps.items()
        if is_missing
    ]
    if refused_because is not None:
        found.append(RuleOutcome("complete_facts", "refer", refused_because, None, "input_out_of_range"))
    return tuple(found) or (RuleOutcome("complete_facts", "pass", None, None, ""),)


def at_least(
    rule: str, observed: Decimal | None, reject_below: Decimal | None, approve_from: Decimal, reason: str
) -> RuleOutcome:
    if observed is None:
        return RuleOutcome(rule, "not_evaluated", None, str(approve_from), reason)
    if reject_below is not None and observed < reject_below:
        return RuleOutcome(rule, "reject", str(observed), str(reject_below), reason)
    verdict: Verdict = "refer" if observed < approve_from else "pass"
    return RuleOutcome(rule, verdict, str(observed), str(approve_from), reason)


def at_most(
    rule: str, observed: Decimal | None, reject_above: Decimal | None, approve_up_to: Decimal, reason: str
) -> RuleOutcome:
    if observed is None:
        return RuleOutcome(rule, "not_evaluated", None, str(approve_up_to), reason)
    if reject_above is not None and observed > reject_above:
        return RuleOutcome(rule, "reject", str(observed), str(reject_above), reason)
    verdict: Verdict = "refer" if observed > approve_up_to else "pass"
    return RuleOutcome(rule, verdict, str(observed), str(approve_up_to), reason)
