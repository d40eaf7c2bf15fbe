"""One applicant on the wire of the Open Inference Protocol v2, and the reading of what a model server answers.

Nothing in an answer is believed: the policy decides on it, and it may come from any server of that protocol.
"""

import math
from collections.abc import Mapping
from typing import Any

from fundline.domain.scoring import BadScore, ModelScore
from fundline.risk.features import FEATURE_NAMES, FEATURES, FeatureValues
from fundline.risk.manifest import MODEL_NAME
from fundline.risk.model import Answer, model_score

SUM_TOLERANCE = 1e-6
"""How far the explanation may be from the log odds it explains."""


class BadModelAnswer(Exception):
    """An answer came, and no model may answer so. The text says what is wrong with it."""


def infer_path(version: str) -> str:
    return f"/v2/models/{MODEL_NAME}/versions/{version}/infer"


def infer_request(features: FeatureValues) -> dict[str, Any]:
    datatypes = {"number": "FP64", "flag": "BOOL", "category": "BYTES"}
    return {
        "inputs": [
            {
                "name": feature.name,
                "datatype": datatypes[feature.kind],
                "shape": [1],
                "data": [bool(features[feature.name]) if feature.kind == "flag" else features[feature.name]],
            }
            for feature in FEATURES
        ]
    }


def read_score(body: Mapping[str, Any], version: str, features: FeatureValues) -> ModelScore:
    """Raises BadModelAnswer."""
    if body.get("model_name") != MODEL_NAME or body.get("model_version") != version:
        raise BadModelAnswer(f"another model answered than {version}")
    parameters = body.get("parameters")
    if not isinstance(parameters, dict) or not isinstance(parameters.get("digest"), str):
        raise BadModelAnswer(f"{version} answered without the digest of its artefact")
    tensors = _tensors(body.get("outputs"))
    explained = tensors.get("contributions", {}).get("parameters")
    names = explained.get("features") if isinstance(explained, dict) else None
    if names != ",".join(FEATURE_NAMES):
        raise BadModelAnswer(f"{version} explained other features than it was asked about")
    (probability,) = _figures(tensors, "probability", [1])
    (base,) = _figures(tensors, "base", [1])
    contributions = _figures(tensors, "contributions", [1, len(FEATURE_NAMES)])
    base_rate = _figure(parameters.get("base_rate"), "base_rate")
    answer = Answer(probability, base, dict(zip(FEATURE_NAMES, contributions, strict=True)))
    _check_sum(version, answer)
    try:
        return model_score(version, base_rate, answer, features, digest=parameters["digest"])
    except BadScore as error:
        raise BadModelAnswer(str(error)) from error


def _tensors(outputs: object) -> dict[str, dict[str, Any]]:
    """By name; what is not a tensor is missing from it."""
    listed = outputs if isinstance(outputs, list) else []
    return {str(tensor.get("name")): tensor for tensor in listed if isinstance(tensor, dict)}


def _figures(tensors: Mapping[str, Mapping[str, Any]], name: str, shape: list[int]) -> list[float]:
    tensor = tensors.get(name, {})
    data = tensor.get("data")
    if tensor.get("shape") != shape or not isinstance(data, list) or len(data) != shape[-1]:
        raise BadModelAnswer(f"the answer's {name} has not the shape {shape}")
    return [_figure(value, name) for value in data]


def _figure(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadModelAnswer(f"the answer's {name} is not a finite number")
    return float(value)


def _check_sum(version: str, answer: Answer) -> None:
    if not 0 < answer.probability < 1:
        raise BadModelAnswer(
            f"{version} answered {answer.probability}, which is not a probability of a model"
        )
    log_odds = math.log(answer.probability) - math.log1p(-answer.probability)
    explained = answer.base + sum(answer.contributions.values())
    if abs(log_odds - explained) > SUM_TOLERANCE:
        raise BadModelAnswer(f"{version} answered reasons that do not add up to its probability")
