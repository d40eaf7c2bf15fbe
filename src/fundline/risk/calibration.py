"""Logistic regression by Newton's method, and calibration with it: Cox 1958, "Two further applications of a model
for binary regression", Biometrika 45. A slope below 1 says that scores are too extreme.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_MOST_STEPS = 100
_SMALL_ENOUGH = 1e-11
_MOST_HALVINGS = 40


class NoFit(ValueError):
    """There is no finite best fit: one class only, scores without spread, or classes that separate."""


@dataclass(frozen=True, slots=True)
class Fit:
    intercept: float
    coefficients: Floats


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibrated log odds = intercept + slope * uncalibrated log odds."""

    slope: float
    intercept: float


def sigmoid(log_odds: Floats) -> Floats:
    """Without overflow at either end."""
    half: Floats = 0.5 * (1.0 + np.tanh(0.5 * log_odds))
    return half


def logistic_regression(
    matrix: Floats, outcome: Floats, *, ridge: float = 0.0, offset: Floats | None = None
) -> Fit:
    """Maximum likelihood, minus ridge/2 times the squared coefficients (never the intercept).

    `matrix` has a row an observation (no column of ones), `outcome` is 0 or 1. Raises NoFit.
    """
    design = np.column_stack([np.ones(len(outcome)), matrix])
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0.0
    shift = np.zeros(len(outcome)) if offset is None else offset

    def loss(at: Floats) -> float:
        line = design @ at + shift
        return float(np.sum(np.logaddexp(0.0, line) - outcome * line) + 0.5 * np.sum(penalty * at * at))

    beta = np.zeros(design.shape[1])
    current = loss(beta)
    for _ in range(_MOST_STEPS):
        chance = sigmoid(design @ beta + shift)
        gradient = design.T @ (outcome - chance) - penalty * beta
        curvature = (design * (chance * (1.0 - chance))[:, None]).T @ design + np.diag(penalty)
        try:
            step = np.linalg.solve(curvature, gradient)
        except np.linalg.LinAlgError:
            raise NoFit("The scores have no spread.") from None
        beta, current, moved = _stepped(beta, step, current, loss)
        if moved < _SMALL_ENOUGH:
            return Fit(float(beta[0]), beta[1:])
    raise NoFit("The fit did not come to rest.")


def _stepped(
    beta: Floats, step: Floats, current: float, loss: Callable[[Floats], float]
) -> tuple[Floats, float, float]:
    """The step, halved until it does not make matters worse; with it the new loss and the largest move."""
    for _ in range(_MOST_HALVINGS):
        after = loss(beta + step)
        if after <= current + abs(current) * 1e-14:
            return beta + step, after, float(np.max(np.abs(step)))
        step = step * 0.5
    return beta, current, 0.0


def recalibration(log_odds: Floats, defaulted: Floats) -> Calibration:
    """The slope and the intercept, fitted together. Raises NoFit with the reason."""
    _need_both_classes(defaulted)
    if np.ptp(log_odds) == 0.0:
        raise NoFit("All scores are equal.")
    good, bad = log_odds[defaulted == 0], log_odds[defaulted == 1]
    if good.max() <= bad.min() or bad.max() <= good.min():
        raise NoFit("The scores separate the classes completely, so that the slope is infinite.")
    fit = logistic_regression(log_odds[:, None], defaulted)
    return Calibration(float(fit.coefficients[0]), fit.intercept)


def in_the_large(log_odds: Floats, defaulted: Floats) -> float:
    """The intercept alone, the slope held at 1: above 0 when more default than was said. Raises NoFit."""
    _need_both_classes(defaulted)
    return logistic_regression(np.empty((len(defaulted), 0)), defaulted, offset=log_odds).intercept


def _need_both_classes(defaulted: Floats) -> None:
    if not len(defaulted):
        raise NoFit("There are no rows.")
    if defaulted.min() == defaulted.max():
        raise NoFit("All rows have the same outcome.")
