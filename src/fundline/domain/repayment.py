"""What a business can carry: instalment, debt service coverage and cash runway.

Amounts are Decimal major units of one currency (12.34 is twelve dollars thirty-four), rates are yearly
fractions (0.0925 is 9.25 %). Pure arithmetic under a context of its own, so that the same figures give the
same answer in every process.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, localcontext

from fundline.domain.facts import ApplicantFacts

ARITHMETIC = Context(prec=40, rounding=ROUND_HALF_EVEN)
CENT = Decimal("0.01")
RATIO_STEP = Decimal("0.0001")
RATIO_LIMIT = Decimal("9999.9999")
MONTHS_PER_YEAR = 12


@dataclass(frozen=True, slots=True)
class RepaymentCapacity:
    """Ratios have 4 places and stay within +-9999.9999; `None` means that a figure it needs is missing."""

    instalment: Decimal
    coverage: Decimal | None
    runway_months: Decimal | None
    amount_to_revenue: Decimal | None


def capacity_of(
    facts: ApplicantFacts, annual_rate: Decimal, step: Decimal = CENT, *, plain_zero: bool = False
) -> RepaymentCapacity:
    """What the stated figures carry; the new instalment is worked out at `annual_rate` (fraction a year).

    `step`: the smallest amount that can be paid in the currency. `plain_zero`: a coverage of nothing has no sign.
    """
    instalment = monthly_instalment(facts.amount, facts.term_months, annual_rate, step)
    revenue, margin, debt_service = facts.annual_revenue, facts.operating_margin, facts.monthly_debt_service
    coverage = runway = share = None
    if revenue is not None and margin is not None and debt_service is not None:
        coverage = debt_service_coverage(revenue, margin, debt_service, instalment)
        if plain_zero and coverage == 0:
            coverage = abs(coverage)
    if facts.cash_at_bank is not None and debt_service is not None:
        runway = cash_runway_months(facts.cash_at_bank, debt_service, instalment)
    if revenue is not None:
        share = amount_to_revenue(facts.amount, revenue)
    return RepaymentCapacity(instalment, coverage, runway, share)


def monthly_instalment(
    amount: Decimal, term_months: int, annual_rate: Decimal, step: Decimal = CENT
) -> Decimal:
    """Level payment of an annuity loan, rounded up to `step` so that the plan never falls short.

    Source: instalment = P * i / (1 - (1 + i) ** -n), i = annual rate / 12 (Brealey, Myers & Allen, Principles
    of Corporate Finance, "Annuities"); P / n when the rate is zero. Raises ValueError on an amount or term
    that is not positive.
    """
    if amount <= 0 or term_months <= 0 or annual_rate < 0:
        message = "an instalment needs a positive amount, a positive term and a rate of zero or more"
        raise ValueError(message)
    with localcontext(ARITHMETIC):
        rate = annual_rate / MONTHS_PER_YEAR
        payment = amount * rate / (1 - (1 + rate) ** -term_months) if rate else amount / term_months
        return payment.quantize(step, rounding=ROUND_CEILING)


def debt_service_coverage(
    annual_revenue: Decimal, operating_margin: Decimal, monthly_debt_service: Decimal, instalment: Decimal
) -> Decimal:
    """Monthly operating cash flow over all monthly debt payments, the new instalment included.

    Source: debt service coverage ratio = cash flow / (principal + interest), the test of SBA's Standard
    Operating Procedure 50 10, "Lender and Development Company Loan Programs". Rounded down: 1.14999 is not
    1.15.
    """
    with localcontext(ARITHMETIC):
        cash_flow = annual_revenue * operating_margin / MONTHS_PER_YEAR
        return _ratio(cash_flow, monthly_debt_service + instalment)


def cash_runway_months(cash_at_bank: Decimal, monthly_debt_service: Decimal, instalment: Decimal) -> Decimal:
    """Months for which the cash at bank alone pays every debt, the new one included. Rounded down."""
    with localcontext(ARITHMETIC):
        return _ratio(cash_at_bank, monthly_debt_service + instalment)


def amount_to_revenue(amount: Decimal, annual_revenue: Decimal) -> Decimal:
    """The amount asked for over a year's revenue, rounded up; the limit when there is no revenue."""
    if annual_revenue <= 0:
        return RATIO_LIMIT
    with localcontext(ARITHMETIC):
        return _ratio(amount, annual_revenue, rounding=ROUND_CEILING)


def _ratio(numerator: Decimal, denominator: Decimal, rounding: str = ROUND_FLOOR) -> Decimal:
    # The limit keeps a tiny denominator from producing a figure that no database column or reader can hold.
    limited = max(-RATIO_LIMIT, min(RATIO_LIMIT, numerator / denominator))
    return limited.quantize(RATIO_STEP, rounding=rounding)
