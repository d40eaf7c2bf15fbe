"""Fitting the scorecard: smoothed weights of evidence, then a logistic regression over them."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from fundline.risk.calibration import logistic_regression
from fundline.risk.features import FEATURE_NAMES, FeatureValues
from fundline.risk.scorecard import EMPLOYEE_BANDS, Scorecard, bins_of
from fundline.risk.smoothing import log_odds, smoothed_rates, subsector_rates

SMOOTHING: Mapping[str, float] = {"amount": 50.0, "subsector": 50.0}
SMOOTHING_ELSEWHERE = 100.0
"""Pseudo-observations at the rate of the whole; chosen on windows inside the training months."""
RIDGE = 0.01
RISKIER: Mapping[str, tuple[str, str]] = {"business_age": ("new", "existing"), "franchise": ("yes", "no")}
"""The first value is the riskier one in today's 7(a) lending. Where the training months say the contrary, the
feature weighs nothing: a reason such as "the business is too young" must never be told to an old one."""
PLACES = 6
"""Decimals that are kept: another processor then writes the same file."""

Bins = Sequence[Mapping[str, str]]


def fit_scorecard(rows: Sequence[FeatureValues], defaulted: Sequence[bool]) -> Scorecard:
    """From checked rows and what became of them."""
    bins = [bins_of(row) for row in rows]
    weights = {name: _weights(name, bins, defaulted) for name in FEATURE_NAMES}
    unfitted = Scorecard(0.0, dict.fromkeys(FEATURE_NAMES, 1.0), weights)
    matrix = np.array([list(added.values()) for _, added in unfitted.explain(rows)])
    fit = logistic_regression(matrix, np.array(defaulted, dtype=float), ridge=RIDGE)
    coefficients = [round(float(one), PLACES) for one in fit.coefficients]
    return Scorecard(
        round(fit.intercept, PLACES), dict(zip(FEATURE_NAMES, coefficients, strict=True)), weights
    )


def _weights(name: str, bins: Bins, defaulted: Sequence[bool]) -> dict[str, float]:
    labels = [row[name] for row in bins]
    base = sum(defaulted) / len(defaulted)
    strength = SMOOTHING.get(name, SMOOTHING_ELSEWHERE)
    against = dict.fromkeys(labels, base)
    if name == "amount":
        against = _product_rates(bins, defaulted, base)
        rates = smoothed_rates(labels, defaulted, strength, against)
    elif name == "subsector":
        rates = subsector_rates(labels, defaulted, strength, base)
    else:
        rates = smoothed_rates(labels, defaulted, strength, base)
    weights = {label: log_odds(rate) - log_odds(against.get(label, base)) for label, rate in rates.items()}
    if name == "employees":
        weights = _never_rising(weights, Counter(labels))
    elif name in RISKIER and not _agrees(weights, *RISKIER[name]):
        weights = dict.fromkeys(weights, 0.0)
    return {label: round(weight, PLACES) for label, weight in weights.items()}


def _product_rates(bins: Bins, defaulted: Sequence[bool], base: float) -> dict[str, float]:
    """By bin of the amount, the rate of its product: the product's own weight stands under `revolving`."""
    products = smoothed_rates([row["revolving"] for row in bins], defaulted, SMOOTHING_ELSEWHERE, base)
    return {row["amount"]: products[row["revolving"]] for row in bins}


def _agrees(weights: Mapping[str, float], riskier: str, safer: str) -> bool:
    return weights.get(riskier, 0.0) >= weights.get(safer, 0.0)


def _never_rising(weights: Mapping[str, float], counts: Mapping[str, int]) -> dict[str, float]:
    """The nearest weights that do not rise with the number of employees.

    Adjacent bins that would are pooled, weighted by their rows (Ayer et al. 1955, Annals of Mathematical
    Statistics 26).
    """
    pools: list[tuple[float, int, list[str]]] = []
    for label in (band for band in EMPLOYEE_BANDS if band in weights):
        pool = (weights[label], counts[label], [label])
        while pools and pools[-1][0] < pool[0]:
            weight, rows, labels = pools.pop()
            together = rows + pool[1]
            pool = ((weight * rows + pool[0] * pool[1]) / together, together, labels + pool[2])
        pools.append(pool)
    return {label: weight for weight, _, labels in pools for label in labels}
