"""What a model's folder says about it, and how that is written and checked."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn

from pydantic import Field, TypeAdapter, ValidationError

from fundline.risk.features import FEATURES

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
MODEL_NAME = "probability-of-default"
Kind = Literal["woe-logistic", "lightgbm"]
KINDS: tuple[Kind, ...] = ("woe-logistic", "lightgbm")
Share = Annotated[float, Field(ge=0, le=1)]


class ModelRefused(ValueError):
    """A model's folder cannot be trusted or understood. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class Window:
    """Approval dates from `start` up to and without `end`."""

    start: str
    end: str
    rows: int
    bad_rate: Share


@dataclass(frozen=True, slots=True)
class TrainedFeature:
    """Numbers and flags: the range seen in training. Categories: how many values were seen."""

    name: str
    kind: Literal["number", "flag", "category"]
    column: str
    lowest: float | None
    highest: float | None
    values: int | None


@dataclass(frozen=True, slots=True)
class AppliedCalibration:
    """Log odds = intercept + slope * those of the model; `how` the two were found."""

    slope: Annotated[float, Field(gt=0)]
    intercept: float
    how: str


@dataclass(frozen=True, slots=True)
class TrainingScores:
    """Upper edges of the score's deciles and the share of training rows in each, for the stability index."""

    edges: tuple[Share, ...]
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """`files`: SHA-256 by name. `digest`: SHA-256 of the canonical JSON of everything else in here."""

    schema_version: int
    name: str
    version: str
    kind: Kind
    base_rate: Annotated[float, Field(gt=0, lt=1)]
    seed: int
    data_sha256: str
    windows: Mapping[str, Window]
    features: tuple[TrainedFeature, ...]
    parameters: Mapping[str, Any]
    calibration: AppliedCalibration
    training_scores: TrainingScores
    out_of_time: Mapping[str, float | None]
    engines: Mapping[str, str]
    files: Mapping[str, str]
    digest: str = ""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def written(manifest: Manifest) -> bytes:
    """The file's bytes, with the digest filled in."""
    content = json.loads(json.dumps(dataclasses.asdict(manifest), allow_nan=False))
    content["digest"] = _digest(content)
    return (json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def read(content: bytes, place: str) -> Manifest:
    """Checked: its form, its digest, its schema, its features. Raises ModelRefused; `place` names it there."""
    parsed = parsed_json(content, f"{place}/{MANIFEST}")
    if not isinstance(parsed, dict):
        raise ModelRefused(f"{place}/{MANIFEST} is not an object.")
    if parsed.get("schema_version") != SCHEMA_VERSION:
        found = parsed.get("schema_version")
        raise ModelRefused(f"{place} has schema version {found}; this program reads {SCHEMA_VERSION}.")
    if parsed.get("digest") != _digest(parsed):
        raise ModelRefused(f"{place}/{MANIFEST} was changed: its digest does not fit.")
    if parsed.get("kind") not in KINDS:
        raise ModelRefused(f"{place} is of kind “{parsed.get('kind')}”; known are {', '.join(KINDS)}.")
    try:
        manifest = TypeAdapter(Manifest).validate_python(parsed)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelRefused(f"{place}/{MANIFEST}: {where} is wrong ({first['msg']}).") from error
    _check(manifest, place)
    return manifest


def _check(manifest: Manifest, place: str) -> None:
    wanted = [(feature.name, feature.kind, feature.column) for feature in FEATURES]
    found = [(feature.name, feature.kind, feature.column) for feature in manifest.features]
    if found != wanted:
        names = ", ".join(name for name, _, _ in found)
        raise ModelRefused(f"{place} was trained on other features than this program makes: {names}.")
    if manifest.name != MODEL_NAME:
        raise ModelRefused(f"{place} holds a model of “{manifest.name}”, not of “{MODEL_NAME}”.")
    scores = manifest.training_scores
    if len(scores.shares) != len(scores.edges) + 1 or list(scores.edges) != sorted(set(scores.edges)):
        raise ModelRefused(f"{place}/{MANIFEST}: the bins of the training scores do not fit each other.")


def parsed_json(content: bytes, place: str) -> Any:
    """Raises ModelRefused on what is not JSON, and on a number that is not finite."""

    def refuse(constant: str) -> NoReturn:
        raise ModelRefused(f"{place} holds {constant}, which is not a finite number.")

    def finite(text: str) -> float:
        number = float(text)
        if not math.isfinite(number):
            refuse(text)
        return number

    try:
        return json.loads(content.decode(), parse_constant=refuse, parse_float=finite)
    except ModelRefused:
        raise
    except (ValueError, RecursionError) as error:
        raise ModelRefused(f"{place} is not JSON; it may be truncated ({error}).") from error


def _digest(content: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in content.items() if name != "digest"}
    return sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode())
