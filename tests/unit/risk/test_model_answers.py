"""A model's answer on its way to the policy: anything that cannot be is a bad score, never a decision."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest

from fundline.domain.scoring import BadScore, CashFlowStress
from fundline.risk.features import FEATURE_NAMES
from fundline.risk.model import Answer, model_score
from support.features import feature_rows

(ROW,) = feature_rows(1)
GOOD = Answer(0.25, -1.0, dict.fromkeys(FEATURE_NAMES, 0.0))


def score(answer: Answer, base_rate: float = 0.3):
    return model_score("scorecard-2", base_rate, answer, ROW, digest="d")


def test_a_good_answer_is_rounded_to_the_places_that_are_stored():
    found = score(replace(GOOD, probability=0.123456, base=-1.000049))
    assert (found.probability, found.base, found.digest) == (Decimal("0.1235"), Decimal("-1.0000"), "d")
    assert [one.feature for one in found.contributions] == list(FEATURE_NAMES)
    assert {one.feature: one.observed for one in found.contributions}["amount"] == f"{ROW['amount']:g}"


@pytest.mark.parametrize(
    "probability", [-0.00004, -0.0001, 1.00004, 1.0001, 1.7, math.nan, math.inf, -math.inf]
)
def test_a_probability_outside_of_0_to_1_is_a_bad_score(probability):
    with pytest.raises(BadScore, match="scorecard-2"):
        score(replace(GOOD, probability=probability))


@pytest.mark.parametrize("base_rate", [0.0, 1.0, -0.1, math.nan])
def test_a_base_rate_that_is_none_is_a_bad_score(base_rate):
    with pytest.raises(BadScore, match=r"not a probability|not finite"):
        score(GOOD, base_rate)


@pytest.mark.parametrize("figure", [math.nan, math.inf])
def test_a_base_or_a_contribution_that_is_not_finite_is_a_bad_score(figure):
    with pytest.raises(BadScore, match="not finite"):
        score(replace(GOOD, base=figure))
    with pytest.raises(BadScore, match="not finite"):
        score(replace(GOOD, contributions=GOOD.contributions | {"state": figure}))


@pytest.mark.parametrize("names", [FEATURE_NAMES[:-1], (*FEATURE_NAMES, "term")])
def test_an_explanation_of_other_features_is_a_bad_score(names):
    with pytest.raises(BadScore, match="other features"):
        score(replace(GOOD, contributions=dict.fromkeys(names, 0.0)))


@pytest.mark.parametrize("share", ["-0.0001", "1.0001", "NaN"])
def test_a_simulated_share_that_is_none_is_a_bad_score(share):
    with pytest.raises(BadScore, match="cash-flow-1"):
        CashFlowStress(Decimal(share), 20_000, 60, 1, "cash-flow-1")
