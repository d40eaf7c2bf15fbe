"""Scorecard 1: the probability that a loan defaults, as a sum of log odds.

Every characteristic adds its points to a base; points are natural log odds of default, positive is riskier
and zero is about the average applicant, so a positive contribution is by how much a characteristic hurt
(Siddiqi, Intelligent Credit Scoring, "Scorecard Development"; the "below average" method of the official
comment 9(b)(2)-5 on Regulation B).

Where the points come from. Level: 4.17 % of the 7(a) loans of fiscal years 2015 to 2019 were charged off
within 60 months, by which time 56.6 % of all charge-offs have happened, so 7.4 % in the end. Sector and
state: log odds of their rates 1987 to 2014 against the average of those records, weighted below one because
old vintages tell today's apart less well. Age, legal form, franchise and jobs: direction and rough size of
the weights of evidence of modern 7(a) loans. Location: loans since 2004. Coverage, runway, amount and term:
expert judgement around the coverage of 1.15 that SBA's SOP 50 10 asks for.

Nothing here is fitted and nothing is validated: real loans with their revenue, margin and cash are not
public. It is a stated opinion whose every point can be read, and its policy leaves the middle to a person.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

from fundline.domain.repayment import (
    ARITHMETIC,
    RepaymentCapacity,
    amount_to_revenue,
    cash_runway_months,
    debt_service_coverage,
    monthly_instalment,
)

POINTS_STEP = Decimal("0.0001")
PROBABILITY_STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class ApplicantFacts:
    """What is known when an application is scored. Amounts: major units of one currency. Rates: fractions.

    `None` means not stated, or for the two historical default rates that the sector or state is not in the
    reference tables. Raises ValueError on figures no application can have (an amount of zero, a negative
    revenue, a rate outside 0 to 1).
    """

    amount: Decimal
    term_months: int
    purpose: str
    sector_default_rate: Decimal | None
    state_default_rate: Decimal | None
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
        rates = (self.sector_default_rate, self.state_default_rate)
        if any(rate is not None and not 0 < rate < 1 for rate in rates):
            message = "historical default rates must lie between 0 and 1"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Band:
    """Values under `below` (and not under the band before) earn `points`."""

    below: Decimal
    points: Decimal


def _bands(*pairs: tuple[str, str]) -> tuple[Band, ...]:
    return tuple(Band(Decimal(below), Decimal(points)) for below, points in pairs)


def _points(**points: str) -> Mapping[str, Decimal]:
    return {attribute: Decimal(value) for attribute, value in points.items()}


@dataclass(frozen=True)
class Scorecard:
    """The points, as data. Bands are ordered and the last one is open, so every value finds its band."""

    version: str
    base_default_rate: Decimal = Decimal("0.0740")
    sector_average_rate: Decimal = Decimal("0.2057")
    sector_weight: Decimal = Decimal("0.70")
    state_average_rate: Decimal = Decimal("0.1836")
    state_weight: Decimal = Decimal("0.40")
    coverage: tuple[Band, ...] = _bands(
        ("0.80", "1.40"), ("1.00", "0.95"), ("1.15", "0.60"), ("1.25", "0.35"), ("1.50", "0.15"),
        ("2.00", "0"), ("3.00", "-0.20"), ("Infinity", "-0.35"),
    )  # fmt: skip
    runway_months: tuple[Band, ...] = _bands(
        ("3", "0.60"), ("6", "0.30"), ("12", "0.10"), ("24", "0"), ("48", "-0.10"), ("Infinity", "-0.20")
    )
    amount_to_revenue: tuple[Band, ...] = _bands(
        ("0.05", "-0.30"),
        ("0.10", "-0.15"),
        ("0.25", "0"),
        ("0.50", "0.30"),
        ("1.00", "0.60"),
        ("Infinity", "0.90"),
    )
    employees: tuple[Band, ...] = _bands(
        ("2", "0.10"), ("5", "0.05"), ("10", "0"), ("25", "-0.15"), ("Infinity", "-0.30")
    )
    term_months: tuple[Band, ...] = _bands(
        ("85", "0"), ("121", "0.05"), ("181", "0.10"), ("Infinity", "0.15")
    )
    jobs: tuple[Band, ...] = _bands(
        ("1", "0"), ("6", "0.10"), ("14", "0"), ("25", "-0.10"), ("Infinity", "-0.25")
    )
    business_age: Mapping[str, Decimal] = field(default_factory=lambda: _points(existing="-0.10", new="0.25"))
    legal_form: Mapping[str, Decimal] = field(
        default_factory=lambda: _points(
            sole_proprietorship="0.15", partnership="-0.20", llc="-0.05", corporation="0", other="0.05"
        )
    )
    franchise: Mapping[bool, Decimal] = field(
        default_factory=lambda: {False: Decimal(0), True: Decimal("0.15")}
    )
    location: Mapping[str, Decimal] = field(default_factory=lambda: _points(urban="0.05", rural="-0.15"))


SCORECARD_1 = Scorecard(version="scorecard-1")


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one characteristic added, in log odds of default. `observed` is the value looked at, as text."""

    characteristic: str
    observed: str
    points: Decimal


@dataclass(frozen=True, slots=True)
class Score:
    """`total` = `base` + all points, exactly. `missing`: reason codes why it may not decide."""

    version: str
    base: Decimal
    contributions: tuple[Contribution, ...]
    total: Decimal
    probability_of_default: Decimal
    capacity: RepaymentCapacity
    missing: tuple[str, ...]


def score(facts: ApplicantFacts, annual_rate: Decimal, scorecard: Scorecard = SCORECARD_1) -> Score:
    """Score one application; the new instalment is worked out at `annual_rate` (fraction a year).

    A characteristic whose facts are missing earns its worst points, so the probability is then an upper
    estimate; the reason codes in `missing` say so, and no policy may approve on it.
    """
    capacity = _capacity(facts, annual_rate)
    contributions = _contributions(facts, capacity, scorecard)
    base = _log_odds(scorecard.base_default_rate)
    total = sum((contribution.points for contribution in contributions), start=base)
    return Score(
        version=scorecard.version,
        base=base,
        contributions=contributions,
        total=total,
        probability_of_default=_probability(total),
        capacity=capacity,
        missing=_missing(facts, scorecard),
    )


def _capacity(facts: ApplicantFacts, annual_rate: Decimal) -> RepaymentCapacity:
    instalment = monthly_instalment(facts.amount, facts.term_months, annual_rate)
    revenue, margin, debt = facts.annual_revenue, facts.operating_margin, facts.monthly_debt_service
    coverage = runway = share = None
    if revenue is not None and margin is not None and debt is not None:
        coverage = debt_service_coverage(revenue, margin, debt, instalment)
    if facts.cash_at_bank is not None and debt is not None:
        runway = cash_runway_months(facts.cash_at_bank, debt, instalment)
    if revenue is not None:
        share = amount_to_revenue(facts.amount, revenue)
    return RepaymentCapacity(instalment, coverage, runway, share)


def _contributions(
    facts: ApplicantFacts, capacity: RepaymentCapacity, card: Scorecard
) -> tuple[Contribution, ...]:
    jobs = (facts.jobs_created or 0) + (facts.jobs_kept or 0)
    return (
        _historical("sector", facts.sector_default_rate, card.sector_average_rate, card.sector_weight),
        _historical("state", facts.state_default_rate, card.state_average_rate, card.state_weight),
        _banded("coverage", capacity.coverage, card.coverage),
        _banded("runway_months", capacity.runway_months, card.runway_months),
        _banded("amount_to_revenue", capacity.amount_to_revenue, card.amount_to_revenue),
        _named("business_age", facts.business_age, card.business_age),
        _named("legal_form", facts.legal_form, card.legal_form),
        Contribution("franchise", "yes" if facts.franchise else "no", card.franchise[facts.franchise]),
        _named("location", facts.location, card.location),
        _banded("employees", Decimal(facts.employees), card.employees),
        _banded("term_months", Decimal(facts.term_months), card.term_months),
        _banded("jobs", Decimal(jobs), card.jobs),
    )


def _historical(characteristic: str, rate: Decimal | None, average: Decimal, weight: Decimal) -> Contribution:
    if rate is None:
        # As bad as the worst tenth of the reference tables: what we have no records of is not average.
        return Contribution(characteristic, "missing", Decimal("0.3500"))
    points = (weight * (_log_odds(rate) - _log_odds(average))).quantize(POINTS_STEP)
    return Contribution(characteristic, str(rate), points)


def _banded(characteristic: str, value: Decimal | None, bands: tuple[Band, ...]) -> Contribution:
    if value is None:
        return Contribution(characteristic, "missing", max(band.points for band in bands))
    points = next((band.points for band in bands if value < band.below), bands[-1].points)
    return Contribution(characteristic, str(value), points)


def _named(characteristic: str, value: str, points: Mapping[str, Decimal]) -> Contribution:
    return Contribution(characteristic, value, points.get(value, max(points.values())))


def _missing(facts: ApplicantFacts, card: Scorecard) -> tuple[str, ...]:
    gaps = {
        "annual_revenue_missing": facts.annual_revenue is None,
        "operating_margin_missing": facts.operating_margin is None,
        "monthly_debt_service_missing": facts.monthly_debt_service is None,
        "cash_at_bank_missing": facts.cash_at_bank is None,
        "sector_unknown": facts.sector_default_rate is None,
        "state_unknown": facts.state_default_rate is None,
        "business_age_unknown": facts.business_age not in card.business_age,
        "legal_form_unknown": facts.legal_form not in card.legal_form,
        "location_unknown": facts.location not in card.location,
    }
    return tuple(code for code, is_missing in gaps.items() if is_missing)


def _log_odds(rate: Decimal) -> Decimal:
    with localcontext(ARITHMETIC):
        return (rate / (1 - rate)).ln().quantize(POINTS_STEP)


def _probability(log_odds: Decimal) -> Decimal:
    with localcontext(ARITHMETIC):
        return (1 / (1 + (-log_odds).exp())).quantize(PROBABILITY_STEP)
