"""`python -m fundline.risk.training` (`make train`): fits, validates and writes the models and their cards.

`--check` writes nothing and exits with 1 when what it would write differs from what is there.
"""

import argparse
import gzip
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import lightgbm as lgb
import numpy as np

from fundline.risk.artefact import MODELS_DIRECTORY, LoadedModel
from fundline.risk.calibration import Floats, NoFit
from fundline.risk.card import Validated, cards_of
from fundline.risk.dataset import PACKAGED_LOANS, LeakingFeature, UnreadableLoans, read_loans, refuse_leaks
from fundline.risk.evaluation import Evaluation
from fundline.risk.features import FEATURES, FeatureValues
from fundline.risk.inner_checks import inner_checks
from fundline.risk.manifest import (
    MANIFEST,
    MODEL_NAME,
    SCHEMA_VERSION,
    AppliedCalibration,
    Manifest,
    TrainedFeature,
    TrainingScores,
    Window,
    read,
    sha256,
    written,
)
from fundline.risk.measures import Measures, measure, training_scores
from fundline.risk.recipe import (
    FAMILIES,
    HOW_CALIBRATED,
    PLACES,
    SEED,
    WINDOWS,
    Family,
    Vintage,
    calibrated_on,
    raw_log_odds,
    vintage,
    windows_of,
)

CARDS_DIRECTORY = Path(__file__).parents[3] / "docs" / "models"
TOO_GOOD_AUC = 0.75
"""Application-time features of these loans rank far below this; above it, something knows the outcome."""
_RANDOM_FOLDS = 5


class TooGoodToBeTrue(ValueError):
    """The test window was ranked better than honest features can: a leak."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """`files` by name, the manifest among them."""

    model: LoadedModel
    files: Mapping[str, bytes]


def refuse_too_good(version: str, figures: Measures) -> None:
    """Raises TooGoodToBeTrue."""
    if figures.auc is not None and figures.auc > TOO_GOOD_AUC:
        raise TooGoodToBeTrue(
            f"{version} reaches an AUC of {figures.auc:.3f} on the test window; above {TOO_GOOD_AUC} look for a leak."
        )


def train(family: Family, windows: Mapping[str, Vintage], data_sha256: str) -> Artefact:
    """Calibrated inside the training months, fitted to all of them, measured on the test window."""
    training, test = windows["training"], windows["test"]
    calibration = calibrated_on(family, windows)
    fitted = family.fit(training.rows, training.defaulted, SEED)
    draft = Manifest(
        schema_version=SCHEMA_VERSION,
        name=MODEL_NAME,
        version=family.version,
        kind=family.kind,
        base_rate=training.bad_rate,
        seed=SEED,
        data_sha256=data_sha256,
        windows={
            name: Window(*WINDOWS[name], len(part.rows), part.bad_rate) for name, part in windows.items()
        },
        features=_trained_features(training.rows),
        parameters=family.parameters,
        calibration=AppliedCalibration(calibration.slope, calibration.intercept, HOW_CALIBRATED),
        training_scores=TrainingScores((), (1.0,)),
        out_of_time={},
        engines={"numpy": np.__version__, "lightgbm": lgb.__version__},
        files={name: sha256(content) for name, content in fitted.files.items()},
    )
    model = LoadedModel(draft, fitted.explainer)
    at_training = probabilities(model, training.rows)
    scores = training_scores(at_training)
    figures = measure(probabilities(model, test.rows), test.outcome, scores)
    refuse_too_good(family.version, figures)
    manifest = replace(
        draft,
        base_rate=round(float(at_training.mean()), PLACES),
        training_scores=scores,
        out_of_time=_figures(family, figures),
    )
    content = written(manifest)
    checked = read(content, family.version)
    return Artefact(LoadedModel(checked, fitted.explainer), {MANIFEST: content, **fitted.files})


def probabilities(model: LoadedModel, rows: Sequence[FeatureValues]) -> Floats:
    return np.array(model.probabilities(rows))


def _figures(family: Family, figures: Measures) -> dict[str, float | None]:
    content = Evaluation(family.version, family.kind, figures).as_json()
    return {name: value for name, value in content.items() if isinstance(value, float | int | None)}


def _trained_features(rows: Sequence[FeatureValues]) -> tuple[TrainedFeature, ...]:
    found = []
    for feature in FEATURES:
        values = [row[feature.name] for row in rows]
        if feature.kind == "category":
            seen = len(set(values))
            found.append(TrainedFeature(feature.name, feature.kind, feature.column, None, None, seen))
        else:
            numbers = [float(value) for value in values]
            low, high = min(numbers), max(numbers)
            found.append(TrainedFeature(feature.name, feature.kind, feature.column, low, high, None))
    return tuple(found)


def random_split(family: Family, everything: Vintage) -> Measures:
    """Five random folds over all years, uncalibrated: what a careless validation would have reported."""
    fold = np.random.default_rng(SEED).integers(0, _RANDOM_FOLDS, len(everything.rows))
    log_odds = np.empty(len(everything.rows))
    for one in range(_RANDOM_FOLDS):
        others, held = (
            everything.part(np.flatnonzero(fold != one)),
            everything.part(np.flatnonzero(fold == one)),
        )
        fitted = family.fit(others.rows, others.defaulted, SEED)
        log_odds[fold == one] = raw_log_odds(fitted.explainer, held.rows)
    return measure(1.0 / (1.0 + np.exp(-log_odds)), everything.outcome)


def build(data: Path, models: Path, cards: Path) -> dict[Path, bytes]:
    """All files that training writes, by path. Raises UnreadableLoans, LeakingFeature, TooGoodToBeTrue, NoFit."""
    refuse_leaks()
    loans = list(read_loans(data))
    content = data.read_bytes()
    digest = sha256(gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content)
    windows, everything = windows_of(loans), vintage(loans)
    files: dict[Path, bytes] = {}
    validated = []
    for family in FAMILIES:
        artefact = train(family, windows, digest)
        files.update({models / family.version / name: text for name, text in artefact.files.items()})
        inner = tuple(inner_checks(family, windows["training"]))
        random = random_split(family, everything)
        validated.append(Validated(family, artefact.model, windows, everything, random, inner))
    files.update({cards / name: text.encode() for name, text in cards_of(validated).items()})
    return files


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m fundline.risk.training", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when anything differs")
    parser.add_argument(
        "--data", type=Path, default=PACKAGED_LOANS, help="loans with the columns of sba_loans.csv"
    )
    parser.add_argument("--artefacts", type=Path, default=MODELS_DIRECTORY, help="folder of the models")
    parser.add_argument("--cards", type=Path, default=CARDS_DIRECTORY, help="folder of the model cards")
    chosen = parser.parse_args(arguments)
    try:
        files = build(chosen.data, chosen.artefacts, chosen.cards)
    except (UnreadableLoans, LeakingFeature, TooGoodToBeTrue, NoFit) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    differing = [path for path, text in files.items() if not path.is_file() or path.read_bytes() != text]
    for path in differing:
        if not chosen.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[path])
        sys.stdout.write(f"{'differs' if chosen.check else 'written'}: {path}\n")
    return 1 if chosen.check and differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
