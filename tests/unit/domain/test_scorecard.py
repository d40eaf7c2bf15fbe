from dataclasses import replace
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundline.domain.scorecard import SCORECARD_1, ApplicantFacts, score
from support.applicant_facts import businesses, sound_business

RATE = Decimal("0.0925")
increases = st.decimals(min_value="0", max_value="1000000", places=2)


def probability(facts: ApplicantFacts) -> Decimal:
    return score(facts, RATE).probability_of_default


@given(businesses())
def test_the_probability_lies_between_zero_and_one_in_four_places(facts: ApplicantFacts):
    value = probability(facts)
    assert 0 <= value <= 1
    assert value.as_tuple().exponent == -4


@given(businesses())
def test_the_contributions_add_up_to_the_total(facts: ApplicantFacts):
    result = score(facts, RATE)
    assert result.base + sum(contribution.points for contribution in result.contributions) == result.total


@given(businesses())
def test_every_characteristic_contributes_once(facts: ApplicantFacts):
    names = [contribution.characteristic for contribution in score(facts, RATE).contributions]
    assert len(names) == len(set(names)) == 12


@given(businesses(complete=True), increases)
def test_more_coverage_never_raises_the_probability(facts: ApplicantFacts, more: Decimal):
    # The margin enters the score through coverage alone.
    better = replace(facts, operating_margin=facts.operating_margin + more)
    assert probability(better) <= probability(facts)


@given(businesses(complete=True), increases)
def test_more_debt_never_lowers_the_probability(facts: ApplicantFacts, more: Decimal):
    deeper = replace(facts, monthly_debt_service=facts.monthly_debt_service + more)
    assert probability(deeper) >= probability(facts)


@given(businesses(complete=True), increases)
def test_more_cash_never_raises_the_probability(facts: ApplicantFacts, more: Decimal):
    assert probability(replace(facts, cash_at_bank=facts.cash_at_bank + more)) <= probability(facts)


@given(businesses(complete=True), increases)
def test_asking_for_more_never_lowers_the_probability(facts: ApplicantFacts, more: Decimal):
    # A loss shrinks against a larger payment, so only a business that earns is asked.
    earning = replace(facts, operating_margin=abs(facts.operating_margin))
    assert probability(replace(earning, amount=earning.amount + more)) >= probability(earning)


@pytest.mark.parametrize(
    "fact",
    ["annual_revenue", "operating_margin", "monthly_debt_service", "cash_at_bank", "sector_default_rate"],
)
def test_a_missing_fact_is_named_and_never_helps(fact: str):
    complete = sound_business()
    result = score(replace(complete, **{fact: None}), RATE)
    assert result.missing
    assert result.probability_of_default > probability(complete)


def test_a_sector_that_fails_more_often_scores_worse():
    farming, finance = Decimal("0.0936"), Decimal("0.2921")
    assert probability(sound_business(sector_default_rate=farming)) < probability(
        sound_business(sector_default_rate=finance)
    )


def test_the_score_of_a_sound_business_is_known_to_the_last_place():
    result = score(sound_business(), RATE)
    assert result.version == "scorecard-1"
    assert result.capacity.instalment == Decimal("1044.00")
    assert result.capacity.coverage == Decimal("2.6737")
    assert result.capacity.runway_months == Decimal("17.8253")
    assert result.capacity.amount_to_revenue == Decimal("0.0834")
    points = {c.characteristic: c.points for c in result.contributions}
    assert points["coverage"] == Decimal("-0.20")
    assert result.total == result.base + sum(points.values())
    assert result.probability_of_default == Decimal("0.0360")


def test_the_callers_decimal_settings_change_nothing():
    expected = score(sound_business(), RATE)
    with localcontext(prec=6):
        assert score(sound_business(), RATE).probability_of_default == expected.probability_of_default


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal(0)},
        {"amount": Decimal("NaN")},
        {"term_months": 0},
        {"employees": -1},
        {"annual_revenue": Decimal(-1)},
        {"cash_at_bank": Decimal("Infinity")},
        {"operating_margin": Decimal("NaN")},
        {"sector_default_rate": Decimal(0)},
        {"state_default_rate": Decimal("22.4")},
    ],
)
def test_impossible_figures_are_refused(changes: dict[str, object]):
    with pytest.raises(ValueError, match="must"):
        sound_business(**changes)


@pytest.mark.parametrize("name", ["coverage", "runway_months", "amount_to_revenue", "employees", "jobs"])
def test_bands_are_ordered_and_the_last_is_open(name: str):
    bands = getattr(SCORECARD_1, name)
    limits = [band.below for band in bands]
    assert limits == sorted(set(limits))
    assert limits[-1] == Decimal("Infinity")
