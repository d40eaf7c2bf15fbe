"""The recipe of the models that ship: which loans, which windows, how each family is fitted and calibrated.

Nothing here reads the test window but the measuring at the end: calibration is learnt inside the training months,
from a model three months older than the loans it scores, as in use.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from fundline.risk import scorecard_fit, trees_fit
from fundline.risk.artefact import ENCODINGS_FILE, SCORECARD_FILE, TREES_FILE, Explainer
from fundline.risk.calibration import Calibration, Floats, recalibration
from fundline.risk.dataset import LabelledLoan, UnreadableLoans
from fundline.risk.features import FeatureValues
from fundline.risk.manifest import Kind
from fundline.risk.trees import load_trees

SEED = 20041201
ON = "9999-12-31"
"""An open end of a window."""
WINDOWS: Mapping[str, tuple[str, str]] = {
    "training": ("2004-06-01", "2004-12-01"),
    "calibration_training": ("2004-06-01", "2004-09-01"),
    "calibration": ("2004-11-01", "2004-12-01"),
    "test": ("2004-12-01", ON),
}
HOW_CALIBRATED = (
    "the same recipe fitted to approvals of June to August 2004; logistic regression of the outcomes of November "
    "2004 on its log odds"
)
PLACES = 6


@dataclass(frozen=True, slots=True)
class Vintage:
    """Usable loans of a window."""

    loans: Sequence[LabelledLoan]
    rows: Sequence[FeatureValues]
    defaulted: Sequence[bool]

    @property
    def outcome(self) -> Floats:
        return np.array(self.defaulted, dtype=np.float64)

    @property
    def bad_rate(self) -> float:
        return round(sum(self.defaulted) / len(self.defaulted), PLACES)

    def part(self, chosen: Iterable[int]) -> "Vintage":
        return vintage([self.loans[i] for i in chosen])


@dataclass(frozen=True, slots=True)
class Fitted:
    files: Mapping[str, bytes]
    explainer: Explainer


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of model and the version of it that ships. `fit` takes rows, outcomes and a seed."""

    version: str
    kind: Kind
    title: str
    fit: Callable[[Sequence[FeatureValues], Sequence[bool], int], Fitted]
    parameters: Mapping[str, Any]


def vintage(loans: Iterable[LabelledLoan]) -> Vintage:
    usable = [(loan, loan.features) for loan in loans if loan.features is not None]
    return Vintage(
        [loan for loan, _ in usable],
        [features for _, features in usable],
        [loan.defaulted for loan, _ in usable],
    )


def windows_of(loans: Sequence[LabelledLoan]) -> dict[str, Vintage]:
    """Raises UnreadableLoans when a window has not both outcomes."""
    found = {
        name: vintage(loan for loan in loans if start <= loan.approved_on < end)
        for name, (start, end) in WINDOWS.items()
    }
    for name, part in found.items():
        if len(set(part.defaulted)) != len({True, False}):
            start, end = WINDOWS[name]
            raise UnreadableLoans(f"There are not both outcomes approved from {start} to {end} ({name}).")
    return found


def raw_log_odds(explainer: Explainer, rows: Sequence[FeatureValues]) -> Floats:
    """Before calibration."""
    return np.array(explainer.log_odds(rows))


def calibrated_on(family: Family, windows: Mapping[str, Vintage]) -> Calibration:
    """Slope and intercept of HOW_CALIBRATED, in the places that are stored."""
    earlier, later = windows["calibration_training"], windows["calibration"]
    fitted = family.fit(earlier.rows, earlier.defaulted, SEED)
    found = recalibration(raw_log_odds(fitted.explainer, later.rows), later.outcome)
    return Calibration(round(found.slope, PLACES), round(found.intercept, PLACES))


def _scorecard(rows: Sequence[FeatureValues], defaulted: Sequence[bool], _seed: int) -> Fitted:
    card = scorecard_fit.fit_scorecard(rows, defaulted)
    content = {"intercept": card.intercept, "coefficients": card.coefficients, "weights": card.weights}
    return Fitted({SCORECARD_FILE: _json(content)}, card)


def _trees(rows: Sequence[FeatureValues], defaulted: Sequence[bool], seed: int) -> Fitted:
    text, encodings = trees_fit.fit_trees(rows, defaulted, seed)
    files = {TREES_FILE: text.encode(), ENCODINGS_FILE: _json(encodings)}
    return Fitted(files, load_trees(files[TREES_FILE], encodings, TREES_FILE))


def _json(content: Any) -> bytes:
    return orjson.dumps(
        content, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    )


SCORECARD = Family(
    "scorecard-2",
    "woe-logistic",
    "WoE logistic scorecard",
    _scorecard,
    {
        "ridge": scorecard_fit.RIDGE,
        "smoothing": {**scorecard_fit.SMOOTHING, "others": scorecard_fit.SMOOTHING_ELSEWHERE},
    },
)
TREES = Family(
    "lightgbm-1",
    "lightgbm",
    "LightGBM with monotone constraints",
    _trees,
    {
        **trees_fit.PARAMETERS,
        "rounds": trees_fit.ROUNDS,
        "encoding_folds": trees_fit.FOLDS,
        "encoding_smoothing": trees_fit.SMOOTHING,
    },
)
FAMILIES: tuple[Family, ...] = (SCORECARD, TREES)
