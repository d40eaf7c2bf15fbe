"""Principal reasons: why an application was rejected or referred, in words its owner can act on.

Regulation B (12 CFR 1002.9(b)(2)) wants the specific principal reasons of an adverse action and its official
comment 9(b)(2) that they are those which really decided, four at most being useful; the Fair Credit Reporting
Act (15 U.S.C. 1681m) the key factors of a score. Codes are stable and stored; sentences may be reworded.
"""

from dataclasses import dataclass

MOST_REASONS = 4

SENTENCES: dict[str, str] = {
    "coverage_insufficient": "The cash flow is too small for the monthly debt payments including this loan.",
    "amount_high_for_revenue": "The amount asked for is high compared with the yearly revenue.",
    "cash_reserves_low": "The cash at bank covers too few months of debt payments.",
    "probability_of_default_high": "The estimated likelihood of repayment is too low.",
    "sector_history": "Loans to businesses of this sector have defaulted more often than average.",
    "state_history": "Loans to businesses in this state have defaulted more often than average.",
    "business_new": "The business has been operating for too short a time.",
    "employees_few": "The business has few employees.",
    "legal_form": "Loans to businesses of this legal form have defaulted more often than average.",
    "franchise": "Loans to franchised businesses have defaulted more often than average.",
    "location": "Loans to businesses in this kind of location have defaulted more often than average.",
    "term_long": "The time asked for to repay is long for a loan of this kind.",
    "jobs_few": "The loan would create or keep few jobs.",
    "annual_revenue_missing": "The annual revenue is missing, so repayment could not be assessed.",
    "operating_margin_missing": "The operating margin is missing, so repayment could not be assessed.",
    "monthly_debt_service_missing": "The debt payments are missing, so repayment could not be assessed.",
    "cash_at_bank_missing": "The cash at bank is missing, so reserves could not be assessed.",
    "sector_unknown": "The sector of the business is not one we have records of.",
    "state_unknown": "The state of the business is not one we have records of.",
    "business_age_unknown": "Whether the business is new or existing is not known.",
    "legal_form_unknown": "The legal form of the business is not one we have records of.",
    "location_unknown": "Whether the business is in an urban or a rural place is not known.",
}


@dataclass(frozen=True, slots=True)
class PrincipalReason:
    code: str
    sentence: str


def principal_reason(code: str) -> PrincipalReason:
    """The reason with this code. Raises KeyError on a code that is not in the catalogue."""
    return PrincipalReason(code, SENTENCES[code])


def principal_reasons(codes: tuple[str, ...]) -> tuple[PrincipalReason, ...]:
    """At most four reasons, each once, in the order given (the one that hurt most first)."""
    return tuple(principal_reason(code) for code in tuple(dict.fromkeys(codes))[:MOST_REASONS])
