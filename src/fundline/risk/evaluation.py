"""Scoring a labelled file with models and measuring how they did, reading the file once and in batches."""

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import islice
from typing import Any

import numpy as np

from fundline.risk.artefact import LoadedModel
from fundline.risk.calibration import Floats
from fundline.risk.dataset import LabelledLoan
from fundline.risk.measures import Measures, measure

BATCH_ROWS = 2048
_PLACES = 6


OnScored = Callable[[LabelledLoan, str, float], None]
"""Is told of each row that was scored: the loan, the model's version, the probability."""


@dataclass(slots=True)
class Skipped:
    """Rows that were left out because of one column; line and reason of the first of them."""

    column: str
    rows: int
    first_line: int
    why: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Of one model, on the rows that were not skipped."""

    model: str
    kind: str
    measures: Measures
    skipped: Sequence[Skipped] = ()

    def as_json(self) -> dict[str, Any]:
        """Finite numbers or null; `reasons` says why a measure is null."""
        figures = {name: getattr(self.measures, name) for name in _FIGURES}
        rounded = {name: _rounded(value) for name, value in figures.items()}
        return {
            "model": self.model,
            "kind": self.kind,
            **rounded,
            "skipped_rows": sum(one.rows for one in self.skipped),
            "skipped": [asdict(one) for one in self.skipped],
            "reasons": self.measures.reasons,
        }


_FIGURES = tuple(one.name for one in fields(Measures) if one.name != "reasons")


def _rounded(value: float | None) -> float | int | None:
    if value is None or isinstance(value, int):
        return value
    if not math.isfinite(value):
        message = "a measure came out not finite"
        raise ArithmeticError(message)
    return round(value, _PLACES)


def evaluate_models(
    models: Sequence[LoadedModel], loans: Iterable[LabelledLoan], on_scored: OnScored | None = None
) -> list[Evaluation]:
    """One evaluation a model, in order. Raises what reading the loans raises."""
    outcome = array("d")
    scores = [array("d") for _ in models]
    skipped: dict[str, Skipped] = {}
    stream = iter(loans)
    while batch := list(islice(stream, BATCH_ROWS)):
        usable = [(loan, loan.features) for loan in batch if loan.features is not None]
        outcome.extend(float(loan.defaulted) for loan, _ in usable)
        for model, column in zip(models, scores, strict=True):
            found = model.probabilities([features for _, features in usable])
            column.extend(found)
            if on_scored is not None:
                for (loan, _), chance in zip(usable, found, strict=True):
                    on_scored(loan, model.version, chance)
        _count(batch, skipped)
    return [
        Evaluation(
            model.version,
            model.manifest.kind,
            measure(_floats(column), _floats(outcome), model.manifest.training_scores),
            tuple(skipped.values()),
        )
        for model, column in zip(models, scores, strict=True)
    ]


def _count(batch: Sequence[LabelledLoan], skipped: dict[str, Skipped]) -> None:
    for loan in batch:
        if loan.left_out is not None:
            why = loan.left_out
            skipped.setdefault(why.column, Skipped(why.column, 0, loan.line, why.why)).rows += 1


def _floats(column: "array[float]") -> Floats:
    return np.array(column, dtype=np.float64)
