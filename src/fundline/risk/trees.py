"""The tree model: LightGBM over the features, with subsector and state as smoothed log odds of default."""

import re
from collections.abc import Mapping, Sequence

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from fundline.risk.features import FEATURE_NAMES, FeatureValues
from fundline.risk.manifest import ModelRefused
from fundline.risk.smoothing import looked_up

AGE_CODES: Mapping[str, float] = {"existing": 0.0, "unknown": 0.0, "new": 1.0}
FORM_CODES: Mapping[str, float] = {"other": 0.0, "corporation": 1.0, "llc": 2.0}
ENCODED = ("subsector", "state")
_NOT_FINITE = re.compile(r"[= ][+-]?(nan|inf)", re.IGNORECASE)
_LAST_LINE_OF_TREES = "end of trees"
Encodings = Mapping[str, Mapping[str, float]]


def columns_of(row: FeatureValues, encodings: Encodings) -> list[float]:
    """In the order of FEATURE_NAMES."""
    return [
        float(row["amount"]),
        float(row["revolving"]),
        float(row["employees"]),
        AGE_CODES[str(row["business_age"])],
        FORM_CODES[str(row["legal_form"])],
        float(row["franchise"]),
        looked_up(encodings["subsector"], str(row["subsector"])),
        encodings["state"].get(str(row["state"]), 0.0),
    ]


class Trees:
    def __init__(self, booster: lgb.Booster, encodings: Encodings) -> None:
        self._booster = booster
        self._encodings = encodings

    def explain(self, rows: Sequence[FeatureValues]) -> list[tuple[float, dict[str, float]]]:
        """For each row the base and what each feature adds, uncalibrated, in log odds of default.

        The additions are exact: TreeSHAP, Lundberg et al. 2020 (Nature Machine Intelligence 2).
        """
        if not rows:
            return []
        shares = self._predict(rows, pred_contrib=True)
        return [(added[-1], dict(zip(FEATURE_NAMES, added[:-1], strict=True))) for added in shares.tolist()]

    def log_odds(self, rows: Sequence[FeatureValues]) -> list[float]:
        """What base and additions sum to, but for the last digits, worked out by the trees alone."""
        found: list[float] = self._predict(rows, raw_score=True).tolist() if rows else []
        return found

    def _predict(self, rows: Sequence[FeatureValues], **what: bool) -> NDArray[np.float64]:
        matrix = np.array([columns_of(row, self._encodings) for row in rows])
        return np.asarray(self._booster.predict(matrix, num_threads=1, **what))


def load_trees(content: bytes, encodings: Encodings, place: str) -> Trees:
    """Raises ModelRefused when the text is not a whole model of our features."""
    text = content.decode(errors="replace")
    if _NOT_FINITE.search(text):
        raise ModelRefused(f"{place} holds a number that is not finite.")
    if _LAST_LINE_OF_TREES not in text:
        raise ModelRefused(f"{place} is truncated.")
    if set(encodings) != set(ENCODED):
        raise ModelRefused(f"{place}: the encodings are of {', '.join(sorted(encodings))}.")
    try:
        booster = lgb.Booster(model_str=text)
    except lgb.basic.LightGBMError as error:
        raise ModelRefused(f"{place} is not a model that LightGBM can read ({error}).") from error
    if booster.feature_name() != list(FEATURE_NAMES):
        raise ModelRefused(f"{place} was trained on other features than this program makes.")
    if booster.num_trees() != text.count("\nTree="):
        raise ModelRefused(f"{place} is truncated.")
    return Trees(booster, encodings)
