"""`fundline model evaluate`: how well the models do on a lender's own labelled loans."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from fundline.risk.artefact import MODELS_DIRECTORY, LoadedModel, available_versions, load_model
from fundline.risk.dataset import UnreadableLoans, read_loans
from fundline.risk.evaluation import Evaluation, evaluate_models
from fundline.risk.manifest import ModelRefused
from fundline.stack.process_spec import StackError

SHOWN = (
    ("rows", "rows"),
    ("bad rate", "bad_rate"),
    ("AUC", "auc"),
    ("from", "auc_low"),
    ("to", "auc_high"),
    ("KS", "ks"),
    ("Brier", "brier"),
    ("base", "brier_base_rate"),
    ("slope", "calibration_slope"),
    ("intercept", "calibration_intercept"),
    ("PSI", "psi"),
)


def evaluate(
    data: Annotated[
        Path, typer.Option(help="Labelled loans with the columns of sba_loans.csv; .csv or .csv.gz.")
    ],
    model: Annotated[str, typer.Option(help="Version; all that are packaged without it.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per model, one a line.")] = False,
) -> None:
    """Score labelled loans and measure the ranking, the calibration, and how far they lie from the training."""
    models = _models(model)
    try:
        found = evaluate_models(models, read_loans(data))
    except UnreadableLoans as error:
        raise StackError(str(error)) from error
    if found[0].skipped_rows:
        rows = found[0].skipped_rows
        sys.stderr.write(f"{rows} rows were skipped; the first: {found[0].first_skipped}\n")
    for one in found:
        typer.echo(json.dumps(one.as_json()) if as_json else _told(one))


def _models(version: str) -> Sequence[LoadedModel]:
    """Raises StackError: a version that is not there or cannot be used."""
    known = available_versions()
    if version and version not in known:
        raise StackError(f"There is no model {version!r}; there are {', '.join(known) or 'none'}.")
    if not known:
        raise StackError(f"There are no models in {MODELS_DIRECTORY}; `make train` makes them.")
    try:
        return [load_model(MODELS_DIRECTORY / name) for name in ([version] if version else known)]
    except (ModelRefused, ImportError, OSError) as error:
        raise StackError(f"The model cannot be used: {error}") from error


def _told(one: Evaluation) -> str:
    figures = one.as_json()
    shown = "  ".join(f"{name} {_number(figures[key])}" for name, key in SHOWN)
    reasons = "".join(f"\n  {name}: {why}" for name, why in figures["reasons"].items())
    return f"{one.model:<12} {shown}{reasons}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.4f}"
