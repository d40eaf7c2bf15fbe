"""JSON of strangers as a model, and what is wrong with it in sentences."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from fundline.platform.refusals import FieldError, InvalidRequest, Kind, Refusal

_NUMBER = re.compile(r"[0-9]{4}")
_Model = TypeVar("_Model", bound=BaseModel)


class BrokenJson(Refusal):
    kind = Kind.MALFORMED
    code = "broken-json"
    title = "The body is not JSON"


def parse_json(model: type[_Model], body: bytes) -> _Model:
    """By its aliases. Raises BrokenJson or InvalidRequest with the path of each value that is wrong."""
    try:
        return model.model_validate_json(body, by_alias=True, by_name=False)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        if problems[0]["type"] == "json_invalid":
            cause = problems[0]["msg"].removeprefix("Invalid JSON: ")
            raise BrokenJson(f"The body is not JSON: {cause}.") from None
        sent = _as_sent(body)
        raise InvalidRequest(
            "The request was refused and nothing was stored.",
            errors=[field_error(_path_in(sent, p["loc"]), p["type"], p["msg"]) for p in problems[:50]],
        ) from None


def field_error(location: Sequence[int | str], kind: str, message: str) -> FieldError:
    """A wrong value as people are told of it; `kind` and `message` are the validator's."""
    return FieldError(_path(location), _sentence(kind, message))


def _path(location: Sequence[int | str]) -> str:
    """A name that may be an account number in the wrong place is not repeated."""
    return ".".join("…" if _NUMBER.search(str(part)) else str(part) for part in location) or "body"


def _as_sent(body: bytes) -> Any:
    """Raises BrokenJson."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:  # NaN and Infinity, which the validator reads and JSON does not have
        raise BrokenJson("The body is not JSON: numbers must be finite.") from None


def _path_in(sent: Any, location: Sequence[int | str]) -> Sequence[int | str]:
    """The path as the caller wrote it: without the tag that names the chosen branch of a union."""
    value = sent
    path: list[int | str] = []
    for place, part in enumerate(location):
        is_last = place == len(location) - 1
        if isinstance(value, dict) and not is_last and (part not in value or value.get("type") == part):
            continue
        path.append(part)
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
    return path


_SENTENCES = {
    "extra_forbidden": "This field is unknown.",
    "missing": "This field is required.",
    "string_type": 'This must be text in quotes; amounts too, such as "1200.50".',
    "string_too_short": "This text is too short.",
    "string_too_long": "This text is too long.",
    "model_type": "This must be an object.",
    "dict_type": "This must be an object.",
    "bool_type": "This must be true or false.",
    "int_type": "This must be a whole number, without quotes.",
    "union_tag_invalid": "This type is unknown.",
    "uuid_parsing": "This is not an id; ids look like 01a20853-435d-72b7-8843-870609cb1f2b.",
}


def _sentence(kind: str, message: str) -> str:
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    text = message.removeprefix("Value error, ")
    return text if text.endswith(".") else f"{text}."
