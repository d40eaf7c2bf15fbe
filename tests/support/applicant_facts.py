"""Applicants for tests of the risk domain: one sound business, and every business one can think of."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from fundline.domain.scorecard import ApplicantFacts


def sound_business(**changes: Any) -> ApplicantFacts:
    """Ten years of trade, coverage well above two, a year of cash: approved by any sane policy."""
    facts: dict[str, Any] = {
        "amount": Decimal("50000.00"),
        "term_months": 60,
        "purpose": "equipment",
        "sector_default_rate": Decimal("0.1962"),
        "state_default_rate": Decimal("0.1427"),
        "business_age": "existing",
        "legal_form": "llc",
        "employees": 12,
        "franchise": False,
        "location": "urban",
        "annual_revenue": Decimal("600000.00"),
        "operating_margin": Decimal("0.1200"),
        "monthly_debt_service": Decimal("1200.00"),
        "cash_at_bank": Decimal("40000.00"),
        "jobs_created": 2,
        "jobs_kept": 10,
    }
    return ApplicantFacts(**(facts | changes))


def _money(least: str = "0") -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=least, max_value="1000000000", places=2)


def _rates() -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value="0.0001", max_value="0.9999", places=4)


def businesses(*, complete: bool = False) -> st.SearchStrategy[ApplicantFacts]:
    def figure(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return values if complete else st.none() | values

    strange = [] if complete else ["martian"]
    forms = ["sole_proprietorship", "partnership", "llc", "corporation", "other", *strange]
    return st.builds(
        ApplicantFacts,
        amount=_money("0.01"),
        term_months=st.integers(1, 360),
        purpose=st.sampled_from(["working_capital", "real_estate", "startup"]),
        sector_default_rate=figure(_rates()),
        state_default_rate=figure(_rates()),
        business_age=st.sampled_from(["new", "existing", *strange]),
        legal_form=st.sampled_from(forms),
        employees=st.integers(0, 10_000),
        franchise=st.booleans(),
        location=st.sampled_from(["urban", "rural", *strange]),
        annual_revenue=figure(_money()),
        operating_margin=figure(st.decimals(min_value="-1", max_value="1", places=4)),
        monthly_debt_service=figure(_money()),
        cash_at_bank=figure(_money()),
        jobs_created=st.none() | st.integers(0, 1000),
        jobs_kept=st.none() | st.integers(0, 1000),
    )
