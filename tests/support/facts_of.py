"""The facts of an application, as the risk worker reads them back from the database."""

from decimal import Decimal
from typing import Any

from fundline.domain.facts import ApplicantFacts


def facts_of(body: dict[str, Any], *, sector_volatility: str = "0.3000") -> ApplicantFacts:
    """From the JSON body of a submission whose state and sector the reference tables have."""
    business, figures, jobs = body["business"], body["figures"], body.get("jobs") or {}

    def decimal(name: str) -> Decimal | None:
        return Decimal(figures[name]) if figures.get(name) is not None else None

    return ApplicantFacts(
        amount=Decimal(body["amount"]),
        currency=body["currency"],
        term_months=body["termMonths"],
        purpose=body["purpose"],
        revolving=body.get("revolving", False),
        naics=business["naics"],
        state=business["state"],
        state_known=True,
        sector_volatility=Decimal(sector_volatility),
        business_age=business["age"],
        legal_form=business["legalForm"],
        employees=business["employees"],
        franchise=business["franchise"],
        location=business["location"],
        annual_revenue=decimal("annualRevenue"),
        operating_margin=decimal("operatingMargin"),
        monthly_debt_service=decimal("monthlyDebtService"),
        cash_at_bank=decimal("cashAtBank"),
        jobs_created=jobs.get("created"),
        jobs_kept=jobs.get("kept"),
    )
