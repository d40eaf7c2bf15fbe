"""The bounds of what may be asked for, stated and answered: just outside, on the bound, just inside."""

from dataclasses import replace
from decimal import Decimal

import pytest

from fundline.domain.money import MINOR_UNITS, Money
from fundline.domain.scoring import BadScore, CashFlowStress, Contribution
from fundline.domain.terms import SMALLEST_AND_LARGEST, amount_out_of_bounds
from support.applicant_facts import GOOD_SCORE, sound_business

SOUND = sound_business()
NAN, INFINITE = Decimal("NaN"), Decimal("Infinity")


@pytest.mark.parametrize(
    ("currency", "smallest", "largest"),
    [
        ("USD", "1000.00", "5000000.00"),
        ("EUR", "1000.00", "5000000.00"),
        ("GBP", "1000.00", "4000000.00"),
        ("JPY", "150000", "750000000"),
    ],
)
def test_the_smallest_and_the_largest_amount_are_lent_and_nothing_beyond(currency, smallest, largest):
    low, high = (Money.parse(text, currency).amount_minor for text in (smallest, largest))
    for amount_minor in (low, low + 1, high - 1, high):
        assert amount_out_of_bounds(Money(amount_minor, currency)) is None
    for amount_minor in (low - 1, high + 1):
        sentence = amount_out_of_bounds(Money(amount_minor, currency))
        assert sentence == f"Fundline lends from {smallest} to {largest} {currency}."


def test_every_currency_has_its_bounds():
    assert SMALLEST_AND_LARGEST.keys() == MINOR_UNITS.keys()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"amount": Decimal(0)}, "amount and term must be positive"),
        ({"amount": NAN}, "amount and term must be positive"),
        ({"amount": INFINITE}, "amount and term must be positive"),
        ({"term_months": 0}, "amount and term must be positive"),
        ({"employees": -1}, "counts, revenue, debt service and cash must be zero or more"),
        ({"jobs_created": -1}, "counts, revenue, debt service and cash must be zero or more"),
        ({"jobs_kept": -1}, "counts, revenue, debt service and cash must be zero or more"),
        *(
            ({name: figure}, "counts, revenue, debt service and cash must be zero or more")
            for name in ("annual_revenue", "monthly_debt_service", "cash_at_bank")
            for figure in (Decimal("-0.01"), NAN, INFINITE)
        ),
        ({"operating_margin": NAN}, "operating margin must be a finite number"),
        ({"sector_volatility": Decimal(0)}, "the volatility of a sector must lie between 0 and 10"),
        ({"sector_volatility": Decimal(10)}, "the volatility of a sector must lie between 0 and 10"),
    ],
)
def test_figures_that_no_application_can_have_are_refused(change, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        replace(SOUND, **change)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": Decimal("0.01")},
        {"term_months": 1},
        {"employees": 0, "jobs_created": 0, "jobs_kept": 0},
        {"jobs_created": 0, "jobs_kept": None},
        {"jobs_created": None, "jobs_kept": 0},
        {"jobs_created": None, "jobs_kept": None},
        {"annual_revenue": Decimal(0), "monthly_debt_service": Decimal(0), "cash_at_bank": Decimal(0)},
        {"annual_revenue": None, "monthly_debt_service": None, "cash_at_bank": None},
        {"operating_margin": Decimal(-2)},
        {"operating_margin": None, "sector_volatility": None},
        {"sector_volatility": Decimal("0.0001")},
        {"sector_volatility": Decimal("9.9999")},
    ],
)
def test_figures_on_the_bound_are_taken(change):
    facts = replace(SOUND, **change)
    assert {name: getattr(facts, name) for name in change} == change


def scored(**changes: Decimal):
    """The good score with other figures; `log_odds` is that of its first contribution."""
    log_odds = changes.pop("log_odds", None)
    if log_odds is not None:
        changes["contributions"] = (Contribution("amount", "x", log_odds),)
    return replace(GOOD_SCORE, **changes)


@pytest.mark.parametrize(
    "change",
    [
        {"probability": Decimal("-0.0001")},
        {"probability": Decimal("1.0001")},
        {"base_rate": Decimal(0)},
        {"base_rate": Decimal(1)},
    ],
)
def test_a_score_outside_of_what_a_probability_can_be_is_refused(change):
    with pytest.raises(BadScore, match=r"^scorecard-2 answered [-0-9.]+, which is not a probability$"):
        scored(**change)


@pytest.mark.parametrize("name", ["probability", "base_rate", "base", "log_odds"])
def test_a_score_with_a_figure_that_is_not_finite_is_refused(name):
    with pytest.raises(BadScore, match=r"^scorecard-2 answered a figure that is not finite$"):
        scored(**{name: NAN})


@pytest.mark.parametrize(
    "change",
    [
        {"probability": Decimal(0)},
        {"probability": Decimal(1)},
        {"base_rate": Decimal("0.0001")},
        {"base_rate": Decimal("0.9999")},
    ],
)
def test_a_score_on_the_bound_is_taken(change):
    assert scored(**change)


def stressed(share: Decimal) -> CashFlowStress:
    return CashFlowStress(share, 20_000, 60, 1, "cash-flow-1")


@pytest.mark.parametrize("share", [Decimal("-0.0001"), Decimal("1.0001"), NAN])
def test_a_share_outside_of_what_a_share_can_be_is_refused(share):
    with pytest.raises(BadScore, match=r"^cash-flow-1 answered .+, which is not a probability$"):
        stressed(share)


@pytest.mark.parametrize("share", [Decimal(0), Decimal(1)])
def test_a_share_on_the_bound_is_taken(share):
    assert stressed(share).shortfall_probability == share
