"""`fundline model evaluate`: how well the models do on a lender's own labelled loans."""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from fundline.commands.doors import JsonOption
from fundline.platform.command_errors import CommandFailed
from fundline.platform.terminal import say
from fundline.risk.artefact import MODELS_DIRECTORY, LoadedModel, available_versions, load_model
from fundline.risk.dataset import OUTCOME, UnreadableLoans, read_loans
from fundline.risk.evaluation import Evaluation, OnScored, evaluate_models
from fundline.risk.manifest import ModelRefused

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

HELP = (
    "Score labelled loans and measure the ranking, the calibration, and how far they lie from the training.\n\n"
    "Nothing has to run for it. AUC is Mann-Whitney's with DeLong's 95 % interval, KS Kolmogorov and Smirnov's "
    "distance, Brier the mean squared error beside that of the file's own bad rate; slope and intercept are of a "
    "logistic regression of the outcome on the log odds; PSI is over the deciles of the scores in training. "
    "docs/models/README.md defines each.\n\n"
    "A measure that the rows do not allow (the AUC of loans that all defaulted) is null, with the reason. Rows without "
    "an outcome, or impossible as applications, are left out, counted and named; a file that is not a table of loans "
    "is refused."
)


def evaluate(
    data: Annotated[
        Path, typer.Option(help="Labelled loans with the columns of sba_loans.csv; .csv or .csv.gz.")
    ],
    model: Annotated[str, typer.Option(help="Version; all that are packaged without it.")] = "",
    as_json: JsonOption = False,
    scores: Annotated[
        Path | None,
        typer.Option(help="A new CSV file for the probability of each row, to check the figures."),
    ] = None,
) -> None:
    """Says what was left out on standard error. Raises CommandFailed on a file that is not a table of loans."""
    models = _models(model)
    try:
        with _recorder(scores) as record:
            found = evaluate_models(models, read_loans(data), record)
    except UnreadableLoans as error:
        raise CommandFailed(str(error)) from error
    for one in found[0].skipped:
        sys.stderr.write(
            f"Left out for {one.column}: {one.rows} rows, the first in line {one.first_line} ({one.why}).\n"
        )
    for each in found:
        say(json.dumps(each.as_json()) if as_json else _as_line(each))


@contextmanager
def _recorder(path: Path | None) -> Iterator[OnScored | None]:
    """Writes what it is told of as CSV. Raises CommandFailed when the file is there or cannot be made."""
    if path is None:
        yield None
        return
    try:
        file = path.open("x", encoding="utf-8", newline="")
    except OSError as error:
        raise CommandFailed(f"{path} cannot be made ({error.strerror}).") from error
    with file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["line", "model", "probability", OUTCOME])
        yield lambda loan, version, chance: rows.writerow(
            [loan.line, version, repr(chance), int(loan.defaulted)]
        )


def _models(version: str) -> Sequence[LoadedModel]:
    """Raises CommandFailed: a version that is not there or cannot be used."""
    known = available_versions()
    if version and version not in known:
        raise CommandFailed(f"There is no model “{version}”; there are {', '.join(known) or 'none'}.")
    if not known:
        raise CommandFailed(f"There are no models in {MODELS_DIRECTORY}; `make train` makes them.")
    try:
        return [load_model(MODELS_DIRECTORY / name) for name in ([version] if version else known)]
    except (ModelRefused, ImportError, OSError) as error:
        raise CommandFailed(f"The model cannot be used: {error}") from error


def _as_line(one: Evaluation) -> str:
    figures = one.as_json()
    shown = "  ".join(f"{name} {_number(figures[key])}" for name, key in SHOWN)
    reasons = "".join(f"\n  {name}: {why}" for name, why in figures["reasons"].items())
    return f"{one.model:<12} {shown}{reasons}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:z.4f}"
