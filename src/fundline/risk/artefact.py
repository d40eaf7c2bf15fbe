"""Trained models on disk: one folder a version with its manifest. Nothing is used before it is checked.

The scorecard loads without numpy and LightGBM; the tree model imports them when it is loaded.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fundline.risk.features import FEATURE_NAMES, FeatureValues
from fundline.risk.manifest import MANIFEST, Manifest, ModelRefused, parsed_json, read, sha256
from fundline.risk.model import Answer
from fundline.risk.scorecard import Scorecard

__all__ = [
    "ENCODINGS_FILE", "FILES_BY_KIND", "MODELS_DIRECTORY", "SCORECARD_FILE", "TREES_FILE",
    "LoadedModel", "ModelRefused", "available_versions", "load_model",
]  # fmt: skip

MODELS_DIRECTORY = Path(__file__).parent / "artefacts"
SCORECARD_FILE = "model.json"
TREES_FILE = "model.txt"
ENCODINGS_FILE = "encodings.json"
FILES_BY_KIND: Mapping[str, frozenset[str]] = {
    "woe-logistic": frozenset({SCORECARD_FILE}),
    "lightgbm": frozenset({TREES_FILE, ENCODINGS_FILE}),
}
_LARGEST_FILE_BYTES = 16 * 1024 * 1024


class Explainer(Protocol):
    """Uncalibrated log odds of default of each row."""

    def explain(self, rows: Sequence[FeatureValues]) -> list[tuple[float, dict[str, float]]]:
        """The base, and what each feature adds to it."""

    def log_odds(self, rows: Sequence[FeatureValues]) -> list[float]:
        """Their sum, but for the last digits; much faster for trees."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A checked artefact; satisfies `Model`. Calibration scales all parts alike, so that they still add up."""

    manifest: Manifest
    explainer: Explainer

    @property
    def version(self) -> str:
        return self.manifest.version

    @property
    def base_rate(self) -> float:
        return self.manifest.base_rate

    @property
    def digest(self) -> str:
        return self.manifest.digest

    def answer(self, rows: Sequence[FeatureValues]) -> list[Answer]:
        """One answer a row, in order. The rows must have been checked (`checked_features`)."""
        return [self._answer(base, added) for base, added in self.explainer.explain(rows)]

    def probabilities(self, rows: Sequence[FeatureValues]) -> list[float]:
        """Those of `answer` but for the last digits, without the reasons: for many rows at once."""
        slope, intercept = self.manifest.calibration.slope, self.manifest.calibration.intercept
        return [_probability(intercept + slope * one) for one in self.explainer.log_odds(rows)]

    def _answer(self, base: float, added: Mapping[str, float]) -> Answer:
        slope = self.manifest.calibration.slope
        shifted = self.manifest.calibration.intercept + slope * base
        contributions = {name: slope * added[name] for name in FEATURE_NAMES}
        log_odds = shifted + sum(contributions.values())
        return Answer(_probability(log_odds), shifted, contributions)


def _probability(log_odds: float) -> float:
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)


def available_versions(directory: Path = MODELS_DIRECTORY) -> list[str]:
    """Folders with a manifest, in the order of their names; whether they can be used, loading tells."""
    if not directory.is_dir():
        return []
    return sorted(place.name for place in directory.iterdir() if (place / MANIFEST).is_file())


def load_model(directory: Path) -> LoadedModel:
    """Raises ModelRefused: a file is missing or changed, another schema, kind or feature list, a number not finite."""
    manifest = read(_content(directory / MANIFEST), directory.name)
    if manifest.version != directory.name:
        raise ModelRefused(f"The folder {directory.name} holds the version {manifest.version}.")
    expected = FILES_BY_KIND[manifest.kind]
    if set(manifest.files) != expected:
        raise ModelRefused(
            f"{directory.name} lists other files than its kind has: {', '.join(sorted(expected))}."
        )
    contents = {name: _content(directory / name) for name in sorted(expected)}
    for name, content in contents.items():
        if sha256(content) != manifest.files[name]:
            raise ModelRefused(
                f"{directory.name}/{name} was changed or truncated: its checksum does not fit."
            )
    if manifest.kind == "woe-logistic":
        return LoadedModel(
            manifest, _scorecard(contents[SCORECARD_FILE], f"{directory.name}/{SCORECARD_FILE}")
        )
    return LoadedModel(manifest, _trees(contents, directory.name))


def _content(path: Path) -> bytes:
    place = f"{path.parent.name}/{path.name}"
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            raise ModelRefused(f"{place} is larger than a model can be.")
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelRefused(f"{place} is missing.") from None
    except OSError as error:
        raise ModelRefused(f"{place} cannot be read ({error.strerror}).") from error


def _scorecard(content: bytes, place: str) -> Scorecard:
    parsed = parsed_json(content, place)
    try:
        intercept, coefficients = float(parsed["intercept"]), _numbers(parsed["coefficients"])
        weights = {name: _numbers(table) for name, table in parsed["weights"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelRefused(f"{place} is not a scorecard ({type(error).__name__}: {error}).") from error
    for names in (coefficients, weights):
        if set(names) != set(FEATURE_NAMES):
            raise ModelRefused(f"{place} weighs other features than this program makes.")
    return Scorecard(intercept, coefficients, weights)


def _trees(contents: Mapping[str, bytes], version: str) -> Explainer:
    from fundline.risk.trees import load_trees

    place = f"{version}/{ENCODINGS_FILE}"
    parsed = parsed_json(contents[ENCODINGS_FILE], place)
    try:
        encodings = {name: _numbers(table) for name, table in parsed.items()}
    except (TypeError, ValueError, AttributeError) as error:
        raise ModelRefused(f"{place} holds no encodings ({error}).") from error
    return load_trees(contents[TREES_FILE], encodings, f"{version}/{TREES_FILE}")


def _numbers(table: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(number) for name, number in table.items()}
