"""What a model is to its users: rows of features in, probabilities with their exact contributions out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from fundline.domain.scoring import LOG_ODDS_STEP, PROBABILITY_STEP, BadScore, Contribution, ModelScore
from fundline.risk.features import FEATURE_NAMES, FeatureValues


@dataclass(frozen=True, slots=True)
class Answer:
    """Of one row. `base` + all `contributions` (by feature name) = log odds of `probability`."""

    probability: float
    base: float
    contributions: Mapping[str, float]


class Model(Protocol):
    """Deterministic: the same rows give the same answers to the last bit, in any process and any batch."""

    @property
    def version(self) -> str: ...

    @property
    def base_rate(self) -> float:
        """Share of defaults at the level of which its probabilities are."""

    @property
    def digest(self) -> str:
        """SHA-256 of its artefact, hexadecimal."""

    def answer(self, rows: Sequence[FeatureValues]) -> list[Answer]:
        """One answer a row, in order. The rows must have been checked (`checked_features`)."""


def model_score(
    version: str, base_rate: float, answer: Answer, features: FeatureValues, *, digest: str = ""
) -> ModelScore:
    """The answer as the policy takes it, rounded to the places that are stored. Raises BadScore."""
    figures = (answer.probability, answer.base, base_rate, *answer.contributions.values())
    if not all(math.isfinite(figure) for figure in figures):
        raise BadScore(f"{version} answered a figure that is not finite")
    if not 0 <= answer.probability <= 1:
        raise BadScore(f"{version} answered {answer.probability}, which is not a probability")
    if set(answer.contributions) != set(FEATURE_NAMES):
        raise BadScore(f"{version} explained other features than it was asked about")
    return ModelScore(
        version=version,
        probability=_rounded(answer.probability, PROBABILITY_STEP),
        base_rate=_rounded(base_rate, PROBABILITY_STEP),
        base=_rounded(answer.base, LOG_ODDS_STEP),
        contributions=tuple(
            Contribution(name, f"{features[name]:g}" if isinstance(features[name], float) else str(features[name]),
                         _rounded(answer.contributions[name], LOG_ODDS_STEP))
            for name in FEATURE_NAMES
        ),
        digest=digest,
    )  # fmt: skip


def _rounded(figure: float, step: Decimal) -> Decimal:
    return Decimal(repr(figure)).quantize(step)
