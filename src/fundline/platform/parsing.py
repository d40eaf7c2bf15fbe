"""JSON of strangers as a model, and what is wrong with it in sentences."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Self, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from fundline.platform.refusals import FieldError, InvalidRequest, Kind, Refusal

_NUMBER = re.compile(r"[0-9]{4}")
_Model = TypeVar("_Model", bound=BaseModel)


class BrokenJson(Refusal):
    kind = Kind.MALFORMED
    code = "broken-json"
    title = "The body is not JSON"


@dataclass(frozen=True, slots=True)
class SentJson:
    """JSON as it came, and in one form: equal for bodies that say the same in another order.

    `flaw`: what makes it mean one thing to one reader and another thing to another, such as a name that stands twice
    in an object. Source: RFC 7493 (I-JSON).
    """

    body: bytes
    canonical: bytes
    flaw: str | None = None

    @classmethod
    def of(cls, body: bytes) -> Self:
        """Never raises: what is not JSON is its own canonical form, and `parse_sent` says what is wrong with it."""
        try:
            value = _DECODER.decode(body.decode())
            return cls(body, orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
        except _Ambiguous as flaw:
            return cls(body, body, str(flaw))
        except (ValueError, TypeError, RecursionError):
            return cls(body, body)


def parse_json(model: type[_Model], body: bytes) -> _Model:
    """By its aliases. Raises BrokenJson or InvalidRequest with the path of each value that is wrong."""
    return parse_sent(model, SentJson.of(body))


def load_json(body: bytes) -> Any:
    """The value, without a model. Raises BrokenJson."""
    try:
        return _DECODER.decode(body.decode())
    except _Ambiguous as flaw:
        raise BrokenJson(str(flaw)) from None
    except (ValueError, RecursionError):
        raise BrokenJson("The body is not JSON, or holds a number that is not finite.") from None


def parse_sent(model: type[_Model], sent: SentJson) -> _Model:
    """As `parse_json`, of what was read before."""
    body = sent.body
    if sent.flaw is not None:
        raise BrokenJson(sent.flaw)
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


class _Ambiguous(Exception):
    """It is JSON by its grammar, and readers differ about what it says."""


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Ambiguous(f"A name may stand once in an object; {_name_to_repeat(twice)} stands there again.")
    return members


def _not_finite(_: str) -> NoReturn:
    raise ValueError("a number is not finite")


_DECODER = json.JSONDecoder(object_pairs_hook=_each_name_once, parse_constant=_not_finite)


def _name_to_repeat(name: str) -> str:
    return "a name" if _NUMBER.search(name) or not name.isprintable() else f'"{name[:50]}"'


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
