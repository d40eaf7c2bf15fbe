"""Scoring a labelled file with models and measuring how they did, reading the file once and in batches."""

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any

import numpy as np

from fundline.risk.artefact import LoadedModel
from fundline.risk.calibration import Floats
from fundline.risk.dataset import LabelledLoan
from fundline.risk.measures import Measures, measure

BATCH_ROWS = 2048
_PLACES = 6


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Of one model. `skipped_rows` were impossible as applications; `first_skipped` says where the first one is."""

    model: str
    kind: str
    measures: Measures
    skipped_rows: int
    first_skipped: str

    def as_json(self) -> dict[str, Any]:
        """Finite numbers or null; `reasons` says why a measure is null."""
        figures = {name: getattr(self.measures, name) for name in _FIGURES}
        rounded = {name: _rounded(value) for name, value in figures.items()}
        return {
            "model": self.model,
            "kind": self.kind,
            **rounded,
            "skipped_rows": self.skipped_rows,
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


def evaluate_models(models: Sequence[LoadedModel], loans: Iterable[LabelledLoan]) -> list[Evaluation]:
    """One evaluation a model, in order. Raises what reading the loans raises."""
    outcome = array("d")
    scores = [array("d") for _ in models]
    skipped, first = 0, ""
    stream = iter(loans)
    while batch := list(islice(stream, BATCH_ROWS)):
        usable = [loan.features for loan in batch if loan.features is not None]
        outcome.extend(float(loan.defaulted) for loan in batch if loan.features is not None)
        for model, column in zip(models, scores, strict=True):
            column.extend(answer.probability for answer in model.answer(usable))
        for loan in batch:
            if loan.features is None:
                skipped += 1
                first = first or f"line {loan.line}: {loan.impossible}"
    return [
        Evaluation(
            model.version,
            model.manifest.kind,
            measure(_floats(column), _floats(outcome), model.manifest.training_scores),
            skipped,
            first,
        )
        for model, column in zip(models, scores, strict=True)
    ]


def _floats(column: "array[float]") -> Floats:
    return np.array(column, dtype=np.float64)


def loans_between(loans: Iterable[LabelledLoan], start: str, end: str) -> Iterator[LabelledLoan]:
    """Approved from `start` up to and without `end` (ISO dates)."""
    return (loan for loan in loans if start <= loan.approved_on < end)
