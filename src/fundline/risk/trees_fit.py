"""Fitting the tree model so that the same rows and seed write the same text on any machine."""

import re
from collections.abc import Mapping, Sequence

import lightgbm as lgb
import numpy as np

from fundline.risk.features import FEATURE_NAMES, FeatureValues
from fundline.risk.smoothing import log_odds, smoothed_rates, subsector_rates
from fundline.risk.trees import Encodings, columns_of

SMOOTHING = 50.0
FOLDS = 5
ROUNDS = 250
PLACES = 6
MONOTONE: Mapping[str, int] = {
    "employees": -1,
    "business_age": 1,
    "franchise": 1,
    "subsector": 1,
    "state": 1,
}
"""1: a higher value never lowers the probability of default, -1: never raises it."""
PARAMETERS: Mapping[str, object] = {
    "objective": "binary",
    "learning_rate": 0.03,
    "num_leaves": 6,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "monotone_constraints": [MONOTONE.get(name, 0) for name in FEATURE_NAMES],
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbose": -1,
}
_ROUNDED_LINES = re.compile(
    r"^(split_gain|leaf_value|leaf_weight|internal_value|internal_weight)=(.+)$", re.MULTILINE
)
_PARAMETER_BLOCK = re.compile(r"\nparameters:.*?end of parameters\n", re.DOTALL)


def fit_trees(rows: Sequence[FeatureValues], defaulted: Sequence[bool], seed: int) -> tuple[str, Encodings]:
    """The model's text and the encodings that serve it.

    Each training row is encoded by what the other folds tell (out of fold): a category's own outcome would
    otherwise leak into its encoding. Serving uses the encodings of all rows.
    """
    outcome = np.array(defaulted, dtype=bool)
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(rows))
    matrix = np.empty((len(rows), len(FEATURE_NAMES)))
    for one in range(FOLDS):
        others = np.flatnonzero(fold != one).tolist()
        encodings = _encodings([rows[i] for i in others], outcome[others].tolist())
        for i in np.flatnonzero(fold == one).tolist():
            matrix[i] = columns_of(rows[i], encodings)
    data = lgb.Dataset(matrix, outcome.astype(float), feature_name=list(FEATURE_NAMES))
    booster = lgb.train({**PARAMETERS, "seed": seed}, data, ROUNDS)
    return portable_text(booster.model_to_string()), _encodings(rows, defaulted)


def _encodings(rows: Sequence[FeatureValues], defaulted: Sequence[bool]) -> dict[str, dict[str, float]]:
    base = sum(defaulted) / len(defaulted)
    rates = {
        "subsector": subsector_rates([str(row["subsector"]) for row in rows], defaulted, SMOOTHING, base),
        "state": smoothed_rates([str(row["state"]) for row in rows], defaulted, SMOOTHING, base),
    }
    return {
        name: {key: round(log_odds(rate) - log_odds(base), PLACES) for key, rate in table.items()}
        for name, table in rates.items()
    }


def portable_text(text: str) -> str:
    """Without last digits that depend on the processor, byte offsets, and the parameters (they are in the manifest)."""

    def rounded(match: re.Match[str]) -> str:
        numbers = (float(number) for number in match.group(2).split())
        return f"{match.group(1)}={' '.join(f'{number:.{PLACES}f}' for number in numbers)}"

    text = re.sub(r"^tree_sizes=.*\n", "", text, flags=re.MULTILINE)
    text = _PARAMETER_BLOCK.sub("\n", text)
    return _ROUNDED_LINES.sub(rounded, text)
