"""The Open Inference Protocol v2 as this service speaks it: what it reads, what it answers.

One tensor per feature, shape [n] or [n, 1]: FP64 (also FP32, INT32, INT64) for numbers, BOOL for flags (numbers 0 and
1 too), BYTES for categories. Answers are `probability` [n], `base` [n] and `contributions` [n, k]; in each row base
+ contributions = log odds of the probability. The protocol's parameters are text, numbers and flags only, so the
features' names beside the contributions are one text with commas. Binary tensors are not offered.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import BaseModel, Field, ValidationError

from fundline.domain.scoring import BadScore
from fundline.platform.parsing import BrokenJson, load_json
from fundline.platform.refusals import Kind, Refusal
from fundline.risk.features import FEATURE_NAMES, FEATURES, Feature, FeatureError, Value
from fundline.risk.manifest import MODEL_NAME
from fundline.risk.model import Answer, Model

OUTPUTS = ("probability", "base", "contributions")
_SHOWN_CHARACTERS = 300


class BadTensor(Refusal):
    kind = Kind.MALFORMED
    code = "bad-tensor"
    title = "The inference request was refused"


class BatchTooLarge(Refusal):
    kind = Kind.TOO_LARGE
    code = "batch-too-large"
    title = "The batch has too many rows"


class _Tensor(BaseModel):
    name: str = Field(max_length=100)
    shape: list[int] = Field(min_length=1, max_length=2)
    datatype: str
    data: list[Any]


class _Output(BaseModel):
    name: str = Field(max_length=100)


class _Request(BaseModel):
    id: str | None = Field(default=None, max_length=500)
    parameters: dict[str, Any] = {}
    inputs: list[_Tensor] = Field(max_length=100)
    outputs: list[_Output] | None = Field(default=None, max_length=100)


@dataclass(frozen=True, slots=True)
class Inference:
    """A request that was checked: rows of features, and which outputs are wanted."""

    id: str | None
    parameters: Mapping[str, Any]
    rows: Sequence[Mapping[str, Value]]
    outputs: tuple[str, ...]


def read_inference(body: bytes, *, most_rows: int) -> Inference:
    """Raises BadTensor or BatchTooLarge."""
    try:
        request = _Request.model_validate(load_json(body), strict=True)
    except BrokenJson as broken:
        raise BadTensor(broken.sentence) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadTensor(f"{place}: {first['msg']}.") from None
    columns = _columns(request.inputs, most_rows)
    rows = [dict(zip(FEATURE_NAMES, values, strict=True)) for values in zip(*columns, strict=True)]
    return Inference(request.id, request.parameters, rows, _wanted(request.outputs))


def answer_inference(model: Model, inference: Inference) -> bytes:
    """Raises BadScore when the model gives what no model may give: that is a bug, not the caller's fault."""
    answers = model.answer(inference.rows)
    _check(model, inference, answers)
    outputs = {
        "probability": _tensor("probability", [answer.probability for answer in answers]),
        "base": _tensor("base", [answer.base for answer in answers]),
        "contributions": {
            "name": "contributions",
            "datatype": "FP64",
            "shape": [len(answers), len(FEATURE_NAMES)],
            "parameters": {"features": ",".join(FEATURE_NAMES)},
            "data": [answer.contributions[name] for answer in answers for name in FEATURE_NAMES],
        },
    }
    response: dict[str, Any] = {
        "model_name": MODEL_NAME,
        "model_version": model.version,
        "parameters": {**inference.parameters, "base_rate": model.base_rate, "digest": model.digest},
        "outputs": [outputs[name] for name in inference.outputs],
    }
    if inference.id is not None:
        response["id"] = inference.id
    return orjson.dumps(response)


def describe_model(model: Model, versions: Sequence[str]) -> dict[str, Any]:
    """The protocol's model metadata. -1 stands for the number of rows."""
    inputs = [
        {"name": feature.name, "datatype": _DATATYPES[feature.kind][0], "shape": [-1]} for feature in FEATURES
    ]
    return {
        "name": MODEL_NAME,
        "versions": list(versions),
        "platform": f"fundline_{model.version.rsplit('-', 1)[0]}",
        "inputs": inputs,
        "outputs": [
            {"name": "probability", "datatype": "FP64", "shape": [-1]},
            {"name": "base", "datatype": "FP64", "shape": [-1]},
            {"name": "contributions", "datatype": "FP64", "shape": [-1, len(FEATURES)]},
        ],
        "parameters": {"version": model.version, "digest": model.digest, "base_rate": model.base_rate},
    }


def _columns(tensors: Sequence[_Tensor], most_rows: int) -> list[list[Value]]:
    """One list of values per feature, in the order of FEATURES."""
    by_name = {tensor.name: tensor for tensor in tensors}
    if len(by_name) < len(tensors):
        raise BadTensor("An input is given twice.")
    for name in by_name:
        if name not in FEATURE_NAMES:
            raise BadTensor(f"{name}: no model knows this feature.")
    for name in FEATURE_NAMES:
        if name not in by_name:
            raise BadTensor(f"{name}: the feature is missing.")
    count = by_name[FEATURE_NAMES[0]].shape[0]
    if count < 1:
        raise BadTensor("A batch has at least one row.")
    if count > most_rows:
        raise BatchTooLarge(f"A batch has at most {most_rows} rows; this one has {count}.")
    return [_column(feature, by_name[feature.name], count) for feature in FEATURES]


def _column(feature: Feature, tensor: _Tensor, count: int) -> list[Value]:
    if tensor.shape not in ([count], [count, 1]):
        raise BadTensor(f"{feature.name}: the shape must be [{count}] or [{count}, 1], as of the others.")
    if tensor.datatype not in _DATATYPES[feature.kind]:
        allowed = ", ".join(_DATATYPES[feature.kind])
        raise BadTensor(f"{feature.name}: the datatype must be one of {allowed}.")
    is_nested = len(tensor.shape) == 2 and all(isinstance(v, list) and len(v) == 1 for v in tensor.data)  # noqa: PLR2004 - [n, 1]
    data = [value[0] for value in tensor.data] if is_nested else tensor.data
    if len(data) != count:
        raise BadTensor(f"{feature.name}: {len(data)} values do not fill the shape {tensor.shape}.")
    accepts = _ACCEPTS[tensor.datatype]
    values: list[Value] = []
    for row, value in enumerate(data):
        if not accepts(value):
            raise BadTensor(_cut(f"{feature.name}: {value!r} is no {tensor.datatype} (row {row})."))
        try:
            values.append(feature.checked(float(value) if isinstance(value, bool) else value))
        except FeatureError as error:
            raise BadTensor(_cut(f"{error} (row {row})")) from None
    return values


def _is_real(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_ACCEPTS: Mapping[str, Callable[[object], bool]] = {
    "FP64": _is_real,
    "FP32": _is_real,
    "INT32": _is_whole,
    "INT64": _is_whole,
    "BOOL": lambda value: isinstance(value, bool),
    "BYTES": lambda value: isinstance(value, str),
}
_DATATYPES: Mapping[str, tuple[str, ...]] = {
    "number": ("FP64", "FP32", "INT32", "INT64"),
    "flag": ("BOOL", "FP64", "FP32", "INT32", "INT64"),
    "category": ("BYTES",),
}
"""By the kind of a feature; the first one is what the metadata names."""


def _wanted(outputs: Sequence[_Output] | None) -> tuple[str, ...]:
    if not outputs:
        return OUTPUTS
    for output in outputs:
        if output.name not in OUTPUTS:
            raise BadTensor(f"{output.name}: there is no such output; there are {', '.join(OUTPUTS)}.")
    return tuple(dict.fromkeys(output.name for output in outputs))


def _check(model: Model, inference: Inference, answers: Sequence[Answer]) -> None:
    if len(answers) != len(inference.rows):
        raise BadScore(f"{model.version} answered {len(answers)} of {len(inference.rows)} rows")
    for answer in answers:
        if not 0 <= answer.probability <= 1:  # not a number fails this too
            raise BadScore(f"{model.version} answered {answer.probability}, which is not a probability")
        if not all(map(math.isfinite, (answer.base, *answer.contributions.values()))):
            raise BadScore(f"{model.version} answered a figure that is not finite")


def _tensor(name: str, data: list[float]) -> dict[str, Any]:
    return {"name": name, "datatype": "FP64", "shape": [len(data)], "data": data}


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= _SHOWN_CHARACTERS else f"{sentence[:_SHOWN_CHARACTERS]}…"
