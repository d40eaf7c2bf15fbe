"""How well probabilities of default did: ranking, calibration, stability. Each measure is the textbook one.

A measure that a vintage does not allow (one class only, one row, equal scores) is None, with the reason beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fundline.risk.calibration import Floats, NoFit, in_the_large, recalibration
from fundline.risk.manifest import TrainingScores

_NORMAL_975 = 1.959963984540054
_FEWEST_FOR_A_VARIANCE = 2
_SMALLEST_SHARE = 1e-4
"""Stands in for an empty bin, whose logarithm would be infinite."""
_ONE_CLASS = "All rows have the same outcome."
_NO_ROWS = "There are no rows."


@dataclass(frozen=True, slots=True)
class Measures:
    """`reasons` by the name of each measure that is None."""

    rows: int
    bad_rate: float | None = None
    mean_probability: float | None = None
    auc: float | None = None
    auc_low: float | None = None
    auc_high: float | None = None
    ks: float | None = None
    brier: float | None = None
    brier_base_rate: float | None = None
    calibration_slope: float | None = None
    calibration_intercept: float | None = None
    calibration_in_the_large: float | None = None
    psi: float | None = None
    reasons: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    rows: int
    mean_probability: float
    bad_rate: float
    low: float
    high: float
    """`low` to `high`: 95 % Wilson interval of the bad rate (Wilson 1927, JASA 22)."""


def measure(probability: Floats, defaulted: Floats, training: TrainingScores | None = None) -> Measures:
    """`probability` strictly between 0 and 1, `defaulted` 0 or 1, one each a row. PSI only when `training` is given."""
    rows = len(defaulted)
    measured = {name for name in Measures.__dataclass_fields__ if name not in {"rows", "reasons", "psi"}}
    if rows == 0:
        return Measures(0, reasons=dict.fromkeys([*sorted(measured), "psi"], _NO_ROWS))
    figures: dict[str, float] = {
        "bad_rate": float(defaulted.mean()),
        "mean_probability": float(probability.mean()),
        "brier": brier(probability, defaulted),
        "brier_base_rate": float(defaulted.mean() * (1.0 - defaulted.mean())),
    }
    reasons: dict[str, str] = {}
    _rank(probability, defaulted, figures, reasons)
    _calibrate(probability, defaulted, figures, reasons)
    if training is not None:
        figures["psi"] = stability_index(training, probability)
    return Measures(rows, reasons=reasons, **figures)


def _rank(probability: Floats, defaulted: Floats, figures: dict[str, float], reasons: dict[str, str]) -> None:
    bad, good = probability[defaulted == 1], probability[defaulted == 0]
    if not len(bad) or not len(good):
        reasons.update(dict.fromkeys(("auc", "auc_low", "auc_high", "ks"), _ONE_CLASS))
        return
    figures["ks"] = kolmogorov_smirnov(bad, good)
    figures["auc"], error = area_under_curve(bad, good)
    if error is None:
        why = "An interval needs two rows of each outcome."
        reasons.update(dict.fromkeys(("auc_low", "auc_high"), why))
        return
    figures["auc_low"] = max(0.0, figures["auc"] - _NORMAL_975 * error)
    figures["auc_high"] = min(1.0, figures["auc"] + _NORMAL_975 * error)


def _calibrate(
    probability: Floats, defaulted: Floats, figures: dict[str, float], reasons: dict[str, str]
) -> None:
    log_odds = np.log(probability) - np.log1p(-probability)
    try:
        fitted = recalibration(log_odds, defaulted)
        figures["calibration_slope"], figures["calibration_intercept"] = fitted.slope, fitted.intercept
    except NoFit as error:
        reasons.update(dict.fromkeys(("calibration_slope", "calibration_intercept"), str(error)))
    try:
        figures["calibration_in_the_large"] = in_the_large(log_odds, defaulted)
    except NoFit as error:
        reasons["calibration_in_the_large"] = str(error)


def area_under_curve(bad: Floats, good: Floats) -> tuple[float, float | None]:
    """Chance that a bad one scores above a good one, ties counting half, and its standard error.

    DeLong, DeLong and Clarke-Pearson 1988 (Biometrics 44), by midranks as Sun and Xu 2014 (IEEE Signal Processing
    Letters 21): O(n log n). The error is None with fewer than two of either.
    """
    overall = _midranks(np.concatenate([bad, good]))
    of_bad, of_good = overall[: len(bad)], overall[len(bad) :]
    below_bad = (of_bad - _midranks(bad)) / len(good)
    above_good = 1.0 - (of_good - _midranks(good)) / len(bad)
    area = float(below_bad.mean())
    if min(len(bad), len(good)) < _FEWEST_FOR_A_VARIANCE:
        return area, None
    variance = below_bad.var(ddof=1) / len(bad) + above_good.var(ddof=1) / len(good)
    return area, float(np.sqrt(variance))


def _midranks(values: Floats) -> Floats:
    """From 1; equal values share the mean of their ranks."""
    _, place, size = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(size)
    ranks: Floats = (last - (size - 1) / 2.0)[place]
    return ranks


def kolmogorov_smirnov(bad: Floats, good: Floats) -> float:
    """Largest distance between the two cumulative shares (Smirnov 1948, Annals of Mathematical Statistics 19)."""
    values = np.unique(np.concatenate([bad, good]))
    share_bad = np.searchsorted(np.sort(bad), values, side="right") / len(bad)
    share_good = np.searchsorted(np.sort(good), values, side="right") / len(good)
    return float(np.max(np.abs(share_bad - share_good)))


def brier(probability: Floats, defaulted: Floats) -> float:
    """Mean squared error of the probabilities (Brier 1950, Monthly Weather Review 78)."""
    return float(np.mean((probability - defaulted) ** 2))


def training_scores(probability: Floats) -> TrainingScores:
    """By deciles; equal edges, which ties make, are one. Rounded to six places, which is how it is stored."""
    edges = np.unique(np.round(np.quantile(probability, np.arange(1, 10) / 10.0), 6))
    shares = _shares(edges.tolist(), probability)
    return TrainingScores(tuple(edges.tolist()), tuple(np.round(shares, 6).tolist()))


def stability_index(training: TrainingScores, probability: Floats) -> float:
    """PSI: sum of (share now - share in training) * ln of their ratio (Siddiqi 2006, "Credit Risk Scorecards").

    It is Jeffreys' divergence of 1946; by custom, below 0.1 is stable and above 0.25 has shifted.
    """
    expected = np.maximum(np.array(training.shares), _SMALLEST_SHARE)
    actual = np.maximum(_shares(training.edges, probability), _SMALLEST_SHARE)
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def _shares(edges: Sequence[float], probability: Floats) -> Floats:
    bins = np.searchsorted(np.array(edges), probability, side="left")
    counts: Floats = np.bincount(bins, minlength=len(edges) + 1) / len(probability)
    return counts


def reliability(probability: Floats, defaulted: Floats, bins: int = 10) -> list[ReliabilityBin]:
    """Bins of about equal size by rising probability; equal scores stay together."""
    edges = np.unique(np.quantile(probability, np.arange(1, bins) / bins))
    place = np.searchsorted(edges, probability, side="left")
    found = []
    for one in np.unique(place):
        here = place == one
        rate, rows = float(defaulted[here].mean()), int(here.sum())
        low, high = _wilson(rate, rows)
        found.append(ReliabilityBin(rows, float(probability[here].mean()), rate, low, high))
    return found


def _wilson(rate: float, rows: int) -> tuple[float, float]:
    square = _NORMAL_975**2
    middle = (rate + square / (2 * rows)) / (1 + square / rows)
    half = (
        _NORMAL_975
        / (1 + square / rows)
        * float(np.sqrt(rate * (1 - rate) / rows + square / (4 * rows * rows)))
    )
    return max(0.0, middle - half), min(1.0, middle + half)
