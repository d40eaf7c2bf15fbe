"""Each measure against another way of working it out, by definition and without its algebra."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fundline.risk.calibration import NoFit, in_the_large, recalibration, sigmoid
from fundline.risk.manifest import TrainingScores
from fundline.risk.measures import measure, reliability, stability_index, training_scores

SCORES = st.sampled_from([0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.9])
"""Few of them, so that ties are common."""
FEW = settings(max_examples=40, deadline=None)
LABELLED = st.lists(st.tuples(SCORES, st.booleans()), min_size=4, max_size=40)


def arrays(rows):
    return np.array([p for p, _ in rows]), np.array([float(bad) for _, bad in rows])


def by_pairs(probability, defaulted):
    """1, a half or 0 for each pair of a bad and a good loan, shape (bad, good)."""
    bad, good = probability[defaulted == 1], probability[defaulted == 0]
    return np.array([[(b > g) + 0.5 * (b == g) for g in good] for b in bad])


def of_both_classes(rows):
    return len({bad for _, bad in rows}) == 2


@FEW
@given(LABELLED)
def test_the_area_under_the_curve_is_the_share_of_pairs_in_the_right_order(rows):
    assume(of_both_classes(rows))
    assert measure(*arrays(rows)).auc == pytest.approx(by_pairs(*arrays(rows)).mean())


@FEW
@given(LABELLED)
def test_its_interval_is_delongs_from_the_pairs(rows):
    pairs = by_pairs(*arrays(rows)) if of_both_classes(rows) else np.empty((0, 0))
    assume(min(pairs.shape) >= 2)
    variance = pairs.mean(1).var(ddof=1) / pairs.shape[0] + pairs.mean(0).var(ddof=1) / pairs.shape[1]
    found = measure(*arrays(rows))
    assert found.auc_low == pytest.approx(max(0.0, pairs.mean() - 1.959964 * math.sqrt(variance)), abs=1e-6)
    assert found.auc_high == pytest.approx(min(1.0, pairs.mean() + 1.959964 * math.sqrt(variance)), abs=1e-6)


@FEW
@given(LABELLED)
def test_ks_is_the_largest_gap_between_the_shares_below_any_threshold(rows):
    assume(of_both_classes(rows))
    probability, defaulted = arrays(rows)
    gaps = [
        abs(np.mean(probability[defaulted == 1] <= cut) - np.mean(probability[defaulted == 0] <= cut))
        for cut in probability
    ]
    assert measure(probability, defaulted).ks == pytest.approx(max(gaps))


@FEW
@given(LABELLED)
def test_brier_is_the_mean_squared_error_and_its_base_is_that_of_the_bad_rate(rows):
    probability, defaulted = arrays(rows)
    found = measure(probability, defaulted)
    assert found.brier == pytest.approx(sum((p - bad) ** 2 for p, bad in rows) / len(rows))
    rate = sum(bad for _, bad in rows) / len(rows)
    assert found.brier_base_rate == pytest.approx(sum((rate - bad) ** 2 for _, bad in rows) / len(rows))
    assert found.bad_rate == pytest.approx(rate)


def sample(slope: float, intercept: float, rows: int = 20_000):
    """Outcomes drawn from probabilities whose log odds are intercept + slope * those that are claimed."""
    dice = np.random.default_rng(7)
    log_odds = dice.normal(-1.0, 1.0, rows)
    return sigmoid(log_odds), (dice.random(rows) < sigmoid(intercept + slope * log_odds)).astype(float)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.6, -0.4), (1.5, 0.3)])
def test_slope_and_intercept_find_what_the_outcomes_were_drawn_from(slope, intercept):
    found = measure(*sample(slope, intercept))
    assert found.calibration_slope == pytest.approx(slope, abs=0.08)
    assert found.calibration_intercept == pytest.approx(intercept, abs=0.08)


@FEW
@given(st.floats(0.3, 2.0), st.floats(-1.0, 1.0))
def test_no_other_slope_and_intercept_make_the_outcomes_likelier(slope, intercept):
    probability, defaulted = sample(slope, intercept, rows=300)
    log_odds = np.log(probability / (1 - probability))

    def loss(at_slope: float, at_intercept: float) -> float:
        line = at_intercept + at_slope * log_odds
        return float(np.sum(np.logaddexp(0, line) - defaulted * line))

    found = recalibration(log_odds, defaulted)
    best = loss(found.slope, found.intercept)
    for step in product((-0.01, 0.0, 0.01), repeat=2):
        assert loss(found.slope + step[0], found.intercept + step[1]) >= best - 1e-9


def test_calibration_in_the_large_makes_the_mean_of_the_probabilities_the_bad_rate():
    probability, defaulted = sample(0.8, 0.5)
    log_odds = np.log(probability / (1 - probability))
    shifted = sigmoid(log_odds + in_the_large(log_odds, defaulted))
    assert shifted.mean() == pytest.approx(defaulted.mean(), abs=1e-9)


def test_the_stability_index_by_hand():
    training = TrainingScores(edges=(0.2, 0.4), shares=(0.5, 0.3, 0.2))
    scores = np.array([0.1, 0.2, 0.3, 0.9])  # an edge belongs to the bin below it
    expected = 0.0 + (0.25 - 0.3) * math.log(0.25 / 0.3) + (0.25 - 0.2) * math.log(0.25 / 0.2)
    assert stability_index(training, scores) == pytest.approx(expected)


def test_an_empty_bin_counts_as_a_ten_thousandth_and_leaves_the_index_finite():
    training = TrainingScores(edges=(0.2,), shares=(0.5, 0.5))
    expected = (1.0 - 0.5) * math.log(1.0 / 0.5) + (0.0001 - 0.5) * math.log(0.0001 / 0.5)
    assert stability_index(training, np.array([0.1, 0.1])) == pytest.approx(expected)


def test_the_training_scores_themselves_are_stable():
    scores = np.random.default_rng(1).beta(2, 5, 5000)
    found = training_scores(scores)
    assert len(found.shares) == 10
    assert stability_index(found, scores) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("defaulted", [[0.0, 0.0], [1.0, 1.0], [1.0]])
def test_with_one_outcome_only_ranking_and_calibration_are_none_with_a_reason(defaulted):
    found = measure(
        np.linspace(0.2, 0.4, len(defaulted)), np.array(defaulted), TrainingScores((0.3,), (0.5, 0.5))
    )
    for name in ("auc", "auc_low", "auc_high", "ks", "calibration_slope", "calibration_in_the_large"):
        assert getattr(found, name) is None
        assert found.reasons[name] == "All rows have the same outcome."
    assert None not in (found.brier, found.bad_rate, found.psi)


def test_without_rows_every_measure_is_none_with_a_reason():
    found = measure(np.array([]), np.array([]), TrainingScores((0.3,), (0.5, 0.5)))
    assert found.rows == 0
    assert {
        name for name in found.__dataclass_fields__ if getattr(found, name) is None
    } == found.reasons.keys()


def test_one_row_of_each_outcome_has_an_area_but_no_interval():
    found = measure(np.array([0.2, 0.4]), np.array([0.0, 1.0]))
    assert (found.auc, found.auc_low, found.auc_high) == (1.0, None, None)
    assert "two rows" in found.reasons["auc_low"]


def test_scores_that_are_all_equal_or_separate_the_outcomes_have_no_slope():
    assert "equal" in measure(np.full(4, 0.3), np.array([0.0, 1.0, 0.0, 1.0])).reasons["calibration_slope"]
    apart = measure(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert "separate" in apart.reasons["calibration_slope"]
    with pytest.raises(NoFit):
        recalibration(np.array([]), np.array([]))


def test_reliability_bins_hold_every_row_and_their_intervals_hold_what_was_observed():
    probability, defaulted = sample(1.0, 0.0, rows=5000)
    bins = reliability(probability, defaulted)
    assert sum(one.rows for one in bins) == 5000
    assert [one.mean_probability for one in bins] == sorted(one.mean_probability for one in bins)
    assert all(0 <= one.low <= one.bad_rate <= one.high <= 1 for one in bins)


def test_wilsons_interval_of_nothing_in_ten_is_the_textbooks():
    (only,) = reliability(np.full(10, 0.1), np.zeros(10))
    assert (only.low, round(only.high, 4)) == (0.0, 0.2775)
