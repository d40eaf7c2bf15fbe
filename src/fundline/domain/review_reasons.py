"""Why a person decided: what the applicant reads of it. What else the person has to say stays in the file.

The reasons of an adverse action are specific and few (Regulation B, 12 CFR 1002.9(b)(2)); those of its sample form C-1
that our product knows stand here. Codes are stable and stored; sentences may be reworded.
"""

from collections.abc import Iterable
from enum import StrEnum

from fundline.domain.reasons import SENTENCES, PrincipalReason


class ReviewReason(StrEnum):
    """What an underwriter may answer to the applicant. Some are the policy's own."""

    COVERAGE_INSUFFICIENT = "coverage_insufficient"
    AMOUNT_HIGH_FOR_REVENUE = "amount_high_for_revenue"
    CASH_RESERVES_LOW = "cash_reserves_low"
    CASH_FLOW_FRAGILE = "cash_flow_fragile"
    OBLIGATIONS_TOO_HIGH = "obligations_too_high"
    PAYMENT_HISTORY = "payment_history"
    COLLATERAL_INSUFFICIENT = "collateral_insufficient"
    FIGURES_NOT_VERIFIED = "figures_not_verified"
    PAPERS_MISSING = "papers_missing"
    BUSINESS_NOT_ELIGIBLE = "business_not_eligible"
    APPLIED_FOR_ALREADY = "applied_for_already"


_BY_A_PERSON = {
    ReviewReason.OBLIGATIONS_TOO_HIGH: (
        "Together with what is open, owed or paid already, the amount asked for is more than we lend."
    ),
    ReviewReason.PAYMENT_HISTORY: "Earlier loans or bills were not paid as agreed.",
    ReviewReason.COLLATERAL_INSUFFICIENT: "The collateral is too small for the amount asked for.",
    ReviewReason.FIGURES_NOT_VERIFIED: "Figures of the application could not be verified.",
    ReviewReason.PAPERS_MISSING: "Papers that we asked for did not come.",
    ReviewReason.BUSINESS_NOT_ELIGIBLE: "We do not fund businesses of this kind, or this use of the money.",
    ReviewReason.APPLIED_FOR_ALREADY: "The same loan was applied for already.",
}
RELEASE_REFUSED = PrincipalReason(
    "release_refused", "We looked at this payment once more and decided not to make it; nothing was charged."
)
"""The failure code of a payment whose release a person has refused, and what the applicant reads of it."""


def reviewed_because(reasons: Iterable[ReviewReason]) -> tuple[PrincipalReason, ...]:
    """Each once, in the order given."""
    return tuple(
        PrincipalReason(code.value, _BY_A_PERSON.get(code) or SENTENCES[code.value])
        for code in dict.fromkeys(reasons)
    )


def reasons_as_json(reasons: Iterable[PrincipalReason]) -> list[dict[str, str]]:
    """As events, the status and the API show them."""
    return [{"code": reason.code, "sentence": reason.sentence} for reason in reasons]
