"""What is known of an application when it is scored. Frozen into the evidence of every decision."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ApplicantFacts:
    """Amounts: major units of `currency`. Rates and margins: fractions (0.12 is 12 %).

    `None` means not stated; for `sector_volatility` that the sector is not in the reference table.
    Raises ValueError on figures that no application can have (an amount of zero, a negative revenue, a figure
    that is not finite).
    """

    amount: Decimal
    currency: str
    term_months: int
    purpose: str
    revolving: bool
    """A line of credit that may be drawn, repaid and drawn again; otherwise a loan with a schedule."""
    naics: str
    """2 to 6 digits."""
    state: str
    state_known: bool
    """Whether the reference table has the state."""
    sector_volatility: Decimal | None
    """Yearly standard deviation of the logarithm of a small business's revenue in this sector."""
    business_age: str
    legal_form: str
    employees: int
    franchise: bool
    location: str
    annual_revenue: Decimal | None
    operating_margin: Decimal | None
    monthly_debt_service: Decimal | None
    cash_at_bank: Decimal | None
    jobs_created: int | None = None
    jobs_kept: int | None = None

    def __post_init__(self) -> None:
        if not self.amount.is_finite() or self.amount <= 0 or self.term_months <= 0:
            message = "amount and term must be positive"
            raise ValueError(message)
        counts = (self.employees, self.jobs_created or 0, self.jobs_kept or 0)
        figures = (self.annual_revenue, self.monthly_debt_service, self.cash_at_bank)
        if min(counts) < 0 or any(f is not None and (not f.is_finite() or f < 0) for f in figures):
            message = "counts, revenue, debt service and cash must be zero or more"
            raise ValueError(message)
        if self.operating_margin is not None and not self.operating_margin.is_finite():
            message = "operating margin must be a finite number"
            raise ValueError(message)
        if self.sector_volatility is not None and not 0 < self.sector_volatility < 10:  # noqa: PLR2004 - a typing error
            message = "the volatility of a sector must lie between 0 and 10"
            raise ValueError(message)
