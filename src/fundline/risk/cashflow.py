"""Cash flow 1: in how many simulated futures an applicant cannot pay an instalment out of cash.

Revenue. The monthly revenue is the stated year's twelfth times a factor whose logarithm follows a first-order
autoregression: each month keeps PERSISTENCE of the last month's deviation and adds a normal shock (Box, Jenkins &
Reinsel, Time Series Analysis, "First-order autoregressive process"). Shocks are scaled so that, in the long run, the
mean of twelve months' logarithms has the sector's yearly standard deviation, and shifted so that the expected revenue
stays the stated one: no growth, no decline, prices of today.

Costs. Of the costs that the stated margin implies, FIXED_COST_SHARE stay when revenue falls (rent, core staff, lease);
the rest falls with revenue. So a month earns revenue - fixed - variable: operating leverage.

Cash starts at the bank balance, earns that, and pays the debts and the new instalment every month. Nothing is drawn
out and nothing borrowed. A path has failed in the first month in which the cash does not cover the payment.

Both parameters and the sectors' volatilities are stated opinions, validated on nothing: real cash flows of borrowers
are not public. The figure ranks applicants and explains; the policy never rejects on it alone.
"""

import hashlib
import math
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from fundline.domain.facts import ApplicantFacts
from fundline.domain.repayment import MONTHS_PER_YEAR
from fundline.domain.scoring import PROBABILITY_STEP, CashFlowStress

METHOD = "cash-flow-1"
DEFAULT_PATHS = 20_000
FEWEST_PATHS, MOST_PATHS = 1_000, 1_000_000
MOST_MONTHS = 600
LARGEST_AMOUNT = 1e15
LARGEST_VOLATILITY = 5.0
"""Beyond it the factors leave the range of 32-bit floats; a real sector has well under one."""

PERSISTENCE = 0.90
"""A month's deviation from the stated revenue has halved after 6.6 months."""
FIXED_COST_SHARE = 0.20
UNPAID_FROM = 0.005
"""Major units: half a cent short is rounding, not default."""


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Amounts: major units of one currency. `revenue_volatility`: yearly standard deviation of log revenue.

    Raises ValueError, in a sentence, on a figure that is not finite, out of range, or makes no sense.
    """

    annual_revenue: float
    operating_margin: float
    monthly_debt_service: float
    cash_at_bank: float
    instalment: float
    months: int
    revenue_volatility: float

    def __post_init__(self) -> None:
        for name in ("annual_revenue", "monthly_debt_service", "cash_at_bank", "instalment"):
            _check_within(name, getattr(self, name), 0, LARGEST_AMOUNT)
        _check_within("operating_margin", self.operating_margin, -LARGEST_AMOUNT, 1)
        _check_within("months", self.months, 1, MOST_MONTHS)
        _check_within("revenue_volatility", self.revenue_volatility, 0, LARGEST_VOLATILITY)


def _check_within(name: str, value: float, lowest: float, highest: float) -> None:
    # A NaN is within nothing.
    if not lowest <= value <= highest:
        raise ValueError(f"{name} must lie between {lowest:g} and {highest:g}; it is {value}.")


def cash_flow_of(facts: ApplicantFacts, instalment: Decimal) -> CashFlow | None:
    """None when a figure is missing, the sector's volatility is not known, or a figure is beyond simulating."""
    figures = (facts.annual_revenue, facts.operating_margin, facts.monthly_debt_service, facts.cash_at_bank)
    revenue, margin, debt_service, cash = (None if f is None else float(f) for f in figures)
    if revenue is None or margin is None or debt_service is None or cash is None:
        return None
    if facts.sector_volatility is None:
        return None
    try:
        return CashFlow(
            annual_revenue=revenue,
            operating_margin=margin,
            monthly_debt_service=debt_service,
            cash_at_bank=cash,
            instalment=float(instalment),
            months=facts.term_months,
            revenue_volatility=float(facts.sector_volatility),
        )
    except ValueError:
        return None


def seed_of(application_id: UUID) -> int:
    """63 bits of a hash over the whole id: ids made in the same millisecond share more than half their bits."""
    digest = hashlib.blake2b(application_id.bytes, digest_size=8, person=METHOD.encode()).digest()
    return int.from_bytes(digest) >> 1


def simulate(cash_flow: CashFlow, *, seed: int, paths: int = DEFAULT_PATHS) -> CashFlowStress:
    """The share of `paths` futures that fail within the term, in 4 places.

    Paths come in mirrored pairs (antithetic variates: Glasserman, Monte Carlo Methods in Financial Engineering, 4.2).
    Failing is monotone in every shock, so mirroring cannot raise the standard error above that of independent paths,
    sqrt(p * (1 - p) / paths): at most 0.0035 with the default.

    The same arguments give the same result in any thread and process; more cash never gives a higher share with the
    same seed, a larger instalment never a lower one. Another version of numpy, or another kind of processor whose
    exponential differs in the last bit, may move a path that fails by a hair. Raises ValueError on a number of paths
    out of range or a negative seed.
    """
    _check_within("paths", paths, FEWEST_PATHS, MOST_PATHS)
    lowest = _lowest_cash(cash_flow, np.random.Generator(np.random.PCG64(seed)), (paths + 1) // 2)
    failed = np.count_nonzero(lowest.ravel()[:paths] < -UNPAID_FROM)
    return CashFlowStress(
        shortfall_probability=(Decimal(int(failed)) / paths).quantize(PROBABILITY_STEP),
        paths=paths,
        months=cash_flow.months,
        seed=seed,
        method=METHOD,
    )


def _lowest_cash(flow: CashFlow, dice: np.random.Generator, pairs: int) -> NDArray[np.float64]:
    """The least cash each path ever had after its payment, shape (2, pairs): row 1 mirrors the shocks of row 0.

    Shocks are 32-bit, which halves the time of drawing them; cash is 64-bit, so that cents survive the sums.
    """
    shock_sd = _monthly_shock_sd(flow.revenue_volatility)
    deviation, shock = np.zeros(pairs, np.float32), np.empty(pairs, np.float32)
    factor = np.empty((2, pairs), np.float32)
    month = np.empty((2, pairs))
    cash = np.full((2, pairs), flow.cash_at_bank, np.float64)
    lowest = cash.copy()
    revenue, margin = flow.annual_revenue / MONTHS_PER_YEAR, flow.operating_margin
    kept = np.float64(revenue * (1 - (1 - margin) * (1 - FIXED_COST_SHARE)))
    spent = revenue * (1 - margin) * FIXED_COST_SHARE + flow.monthly_debt_service + flow.instalment
    variance = 0.0
    for _ in range(flow.months):
        variance = PERSISTENCE**2 * variance + shock_sd**2
        dice.standard_normal(dtype=np.float32, out=shock)
        shock *= shock_sd
        deviation *= PERSISTENCE
        deviation += shock
        # exp(x - v / 2), and of its mirror exp(-x - v / 2), without a second exponential.
        np.subtract(deviation, variance / 2, out=shock)
        np.exp(shock, out=factor[0])
        np.divide(math.exp(-variance), factor[0], out=factor[1])
        np.multiply(factor, kept, out=month)
        month -= spent
        cash += month
        np.minimum(lowest, cash, out=lowest)
    return lowest


def _monthly_shock_sd(revenue_volatility: float) -> float:
    """So that the mean of twelve months' deviations has this standard deviation once the start is forgotten."""
    lags = range(1, MONTHS_PER_YEAR)
    covariances = MONTHS_PER_YEAR + 2 * sum((MONTHS_PER_YEAR - lag) * PERSISTENCE**lag for lag in lags)
    sd_of_mean = math.sqrt(covariances / (1 - PERSISTENCE**2)) / MONTHS_PER_YEAR
    return revenue_volatility / sd_of_mean
