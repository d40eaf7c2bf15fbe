"""Fitting: logistic regression, smoothing, and the signs that both families are held to."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundline.risk.calibration import logistic_regression
from fundline.risk.scorecard import EMPLOYEE_BANDS
from fundline.risk.scorecard_fit import fit_scorecard
from fundline.risk.smoothing import log_odds, looked_up, smoothed_rates, subsector_rates
from fundline.risk.trees import load_trees
from fundline.risk.trees_fit import fit_trees
from support.features import feature_rows


def contrary(rows: int = 2000):
    """Made-up loans in which everything points against today's lending: crowds, old and independent businesses fail."""
    dice = np.random.default_rng(11)
    (base,) = feature_rows(1)
    found, failed = [], []
    for _ in range(rows):
        employees, is_new, is_franchise = (
            dice.choice([0, 2, 5, 15, 40]),
            dice.random() < 0.5,
            dice.random() < 0.5,
        )
        found.append(
            base
            | {
                "employees": float(employees),
                "business_age": "new" if is_new else "existing",
                "franchise": float(is_franchise),
                "state": str(dice.choice(["CA", "OR", "NY"])),
            }
        )
        failed.append(
            bool(dice.random() < 0.15 + 0.01 * employees + 0.15 * (not is_new) + 0.15 * (not is_franchise))
        )
    return found, failed


CONTRARY = contrary()


def test_the_scorecards_weights_never_rise_with_the_number_of_employees_even_when_the_loans_say_so():
    weights = fit_scorecard(*CONTRARY).weights["employees"]
    in_order = [weights[band] for band in EMPLOYEE_BANDS if band in weights]
    assert len(in_order) == 5
    assert in_order == sorted(in_order, reverse=True)


def test_a_feature_whose_sign_is_contrary_to_todays_weighs_nothing_in_the_scorecard():
    weights = fit_scorecard(*CONTRARY).weights
    assert set(weights["business_age"].values()) == set(weights["franchise"].values()) == {0.0}
    rows, failed = CONTRARY
    agreeing = fit_scorecard(rows, [not bad for bad in failed]).weights["business_age"]
    assert agreeing["new"] > 0 > agreeing["existing"]


@pytest.mark.parametrize(
    ("feature", "safer", "riskier"),
    [("employees", 40.0, 0.0), ("business_age", "existing", "new"), ("franchise", 0.0, 1.0)],
)
def test_the_trees_are_never_contrary_even_when_the_loans_are(feature, safer, riskier):
    text, encodings = fit_trees(*CONTRARY, seed=1)
    trees = load_trees(text.encode(), encodings, "made up")

    def scores(value):
        return [
            base + sum(added.values())
            for base, added in trees.explain([r | {feature: value} for r in CONTRARY[0][:100]])
        ]

    assert all(low <= high + 1e-9 for low, high in zip(scores(safer), scores(riskier), strict=True))


def test_the_trees_are_not_taken_in_by_categories_that_mean_nothing():
    """Each row is encoded by what the other folds tell. Encoded by its own outcome too, a state of five loans would
    seem to know it: the log odds would spread by 1.3 here."""
    dice = np.random.default_rng(3)
    (base,) = feature_rows(1)
    rows = [base | {"state": chr(65 + n // 26 % 26) + chr(65 + n % 26)} for n in dice.integers(0, 400, 2000)]
    failed = [bool(bad) for bad in dice.random(2000) < 0.3]
    text, encodings = fit_trees(rows, failed, seed=1)
    assert np.std(load_trees(text.encode(), encodings, "made up").log_odds(rows)) < 0.6


def test_a_ridge_draws_the_coefficients_to_zero_and_leaves_the_intercept_at_the_base_rate():
    dice = np.random.default_rng(1)
    matrix = dice.normal(size=(500, 2))
    outcome = (dice.random(500) < 0.2 + 0.3 * (matrix[:, 0] > 0)).astype(float)
    free, held = logistic_regression(matrix, outcome), logistic_regression(matrix, outcome, ridge=1e7)
    assert free.coefficients[0] > 0.3
    assert held.coefficients == pytest.approx([0.0, 0.0], abs=1e-3)
    assert held.intercept == pytest.approx(log_odds(outcome.mean()), abs=1e-3)


def test_smoothing_adds_observations_at_the_rate_of_the_whole():
    rates = smoothed_rates(["a", "a", "b"], [True, False, True], 10.0, 0.25)
    assert rates == {"a": (1 + 2.5) / 12, "b": (1 + 2.5) / 11}


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1),
    st.floats(0.5, 1000),
    st.floats(0.01, 0.99),
)
def test_a_smoothed_rate_lies_between_the_categorys_own_and_that_of_the_whole(rows, strength, prior):
    keys, bad = [key for key, _ in rows], [is_bad for _, is_bad in rows]
    for key, rate in smoothed_rates(keys, bad, strength, prior).items():
        here = [is_bad for one, is_bad in rows if one == key]
        low, high = sorted([sum(here) / len(here), prior])
        assert low - 1e-12 <= rate <= high + 1e-12


def test_a_subsector_that_nobody_trained_on_has_what_its_sector_has_and_a_sector_nothing():
    table = subsector_rates(["451", "452", "722"], [True, True, False], 1.0, 0.5)
    assert looked_up(table, "459") == table["45"] > table["72"]
    assert looked_up(table, "999") == 0.0


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_certainty_has_no_log_odds(probability):
    with pytest.raises((ValueError, ZeroDivisionError)):
        log_odds(probability)
    assert log_odds(0.5) == pytest.approx(math.log(1))
