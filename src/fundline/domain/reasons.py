"""Principal reasons: why an application was rejected or referred, in words its owner can act on.

Regulation B (12 CFR 1002.9(b)(2)) wants the specific principal reasons of an adverse action and its official
comment 9(b)(2) that they are those which really decided, four at most being useful; the Fair Credit Reporting
Act (15 U.S.C. 1681m) the key factors of a score. Codes are stable and stored; sentences may be reworded. A model may
count any value of a feature as a risk, so its sentences name the feature and never guess which value hurt.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MOST_REASONS = 4

SENTENCES: Mapping[str, str] = {
    "coverage_insufficient": "The cash flow is too small for the monthly debt payments including this loan.",
    "amount_high_for_revenue": "The amount asked for is high compared with the yearly revenue.",
    "cash_reserves_low": "The cash at bank covers too few months of debt payments.",
    "cash_flow_fragile": (
        "If revenue falls as it can in this sector, the cash runs out too often before the loan is repaid; a smaller "
        "instalment or more cash in reserve would help."
    ),
    "amount_needs_a_person": "The amount is so high that a person has to look at it.",
    "exposure_of_applicant": (
        "Together with your other open and paid applications, the amount is so high that a person has to look at it."
    ),
    "exposure_of_business": (
        "Together with other open and paid applications for this business, the amount is so high that a person has to "
        "look at it."
    ),
    "exposure_of_account": (
        "Together with other open and paid applications that name this account, the amount is so high that a person "
        "has to look at it."
    ),
    "exposure_unknown": "We could not read which applications are open or paid already, so a person looks at this one.",
    "likely_repeat": (
        "Within a day there was another application for the same amount, business and account; a person checks whether "
        "both are meant."
    ),
    "probability_of_default_high": "The estimated likelihood of repayment is too low.",
    "amount_history": "Loans of this size have defaulted more often than average.",
    "revolving_history": "Loans of this kind, revolving or with a schedule, have defaulted more often than average.",
    "sector_history": "Loans to businesses of this sector have defaulted more often than average.",
    "state_history": "Loans to businesses in this state have defaulted more often than average.",
    "business_new": "Loans to businesses of this age have defaulted more often than average.",
    "employees_few": "Loans to businesses with about as many employees have defaulted more often than average.",
    "legal_form": "Loans to businesses of this legal form have defaulted more often than average.",
    "franchise": "Businesses like this one, franchised or independent, have defaulted more often than the others.",
    "model_unavailable": "The application could not be scored automatically, so a person looks at it.",
    "input_out_of_range": "A figure is too large or too small to be assessed automatically, so a person looks at it.",
    "annual_revenue_missing": "The annual revenue is missing, so repayment could not be assessed.",
    "operating_margin_missing": "The operating margin is missing, so repayment could not be assessed.",
    "monthly_debt_service_missing": "The debt payments are missing, so repayment could not be assessed.",
    "cash_at_bank_missing": "The cash at bank is missing, so reserves could not be assessed.",
    "sector_unknown": "We have no records of the sector of the business.",
    "state_unknown": "We have no records of the state or country of the business.",
    "business_age_unknown": "We do not know whether the business is new or existing.",
    "legal_form_unknown": "We have no records of the legal form of the business.",
    "location_unknown": "We do not know whether the business is in an urban or a rural place.",
}

REASON_BY_FEATURE: Mapping[str, str] = {
    "amount": "amount_history",
    "revolving": "revolving_history",
    "employees": "employees_few",
    "business_age": "business_new",
    "legal_form": "legal_form",
    "franchise": "franchise",
    "subsector": "sector_history",
    "state": "state_history",
}
"""What is said when a model's feature hurt."""


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
