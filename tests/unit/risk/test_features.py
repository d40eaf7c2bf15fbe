import math
from decimal import Decimal

import pytest

from fundline.domain.facts import ApplicantFacts
from fundline.risk.features import (
    FEATURE_NAMES,
    FEATURES,
    FeatureError,
    checked_features,
    features_of_application,
    features_of_loan,
)

LOAN = {
    "amount_approved": "60000",
    "revolver": "1",
    "employees": "4",
    "new_business": "new",
    "legal_form": "llc",
    "franchise": "0",
    "naics": "451120",
    "state": "IN",
    "outcome_default": "1",
}
SOUND = features_of_loan(LOAN)


def facts(**changes) -> ApplicantFacts:
    known = {
        "amount": Decimal("60000.00"),
        "currency": "USD",
        "term_months": 60,
        "purpose": "inventory",
        "revolving": True,
        "naics": "451120",
        "state": "IN",
        "state_known": True,
        "sector_volatility": Decimal("0.30"),
        "business_age": "new",
        "legal_form": "llc",
        "employees": 4,
        "franchise": False,
        "location": "urban",
        "annual_revenue": None,
        "operating_margin": None,
        "monthly_debt_service": None,
        "cash_at_bank": None,
    }
    return ApplicantFacts(**(known | changes))


def test_a_loan_and_an_application_of_the_same_business_have_the_same_features():
    assert features_of_loan(LOAN) == features_of_application(facts())
    assert tuple(SOUND) == FEATURE_NAMES


def test_amounts_are_brought_to_dollars_and_a_currency_without_a_rate_is_refused():
    assert features_of_application(facts(currency="EUR"))["amount"] == pytest.approx(66_000)
    with pytest.raises(FeatureError, match="CHF"):
        features_of_application(facts(currency="CHF"))


@pytest.mark.parametrize("naics", ["0", "", "abc"])
def test_a_code_that_was_not_filled_in_is_an_unknown_subsector(naics):
    assert features_of_loan(LOAN | {"naics": naics})["subsector"] == "unknown"


@pytest.mark.parametrize("form", ["sole_proprietorship", "partnership", "other", "cooperative"])
def test_legal_forms_that_the_records_do_not_tell_apart_are_other(form):
    assert features_of_application(facts(legal_form=form))["legal_form"] == "other"


@pytest.mark.parametrize("feature", [f.name for f in FEATURES if f.kind != "category"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 1e12, "4", None, True])
def test_a_number_that_cannot_be_is_refused_by_name(feature, value):
    with pytest.raises(FeatureError, match=feature) as refused:
        checked_features(SOUND | {feature: value})
    assert refused.value.feature == feature


@pytest.mark.parametrize("feature", [f.name for f in FEATURES if f.kind == "category"])
@pytest.mark.parametrize("value", ["", "Mars", 3.0, None])
def test_a_category_that_cannot_be_is_refused_by_name(feature, value):
    with pytest.raises(FeatureError, match=feature):
        checked_features(SOUND | {feature: value})


def test_missing_and_unheard_of_features_are_refused():
    with pytest.raises(FeatureError, match="missing"):
        checked_features({name: value for name, value in SOUND.items() if name != "state"})
    with pytest.raises(FeatureError, match="term"):
        checked_features(SOUND | {"term": 84.0})


def test_a_missing_column_or_a_text_in_a_number_is_told_by_name():
    with pytest.raises(FeatureError, match="amount_approved"):
        features_of_loan({name: value for name, value in LOAN.items() if name != "amount_approved"})
    with pytest.raises(FeatureError, match="many"):
        features_of_loan(LOAN | {"employees": "many"})


def test_every_feature_says_why_it_is_known_and_which_reason_it_gives():
    assert all(feature.why_known and feature.reason for feature in FEATURES)
