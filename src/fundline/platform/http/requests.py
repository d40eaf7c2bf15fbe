"""Reading requests: bodies have a limit, JSON has a form, and a write has a key."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import HTTPConnection, Request

from fundline.platform.refusals import FieldError, InvalidRequest, Kind, Refusal

BODY_LIMIT_BYTES = 64 * 1024
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_NUMBER = re.compile(r"[0-9]{4}")
_Model = TypeVar("_Model", bound=BaseModel)


class BodyTooLarge(Refusal):
    kind = Kind.TOO_LARGE
    code = "body-too-large"
    title = "The body is too large"


class BodyNotWanted(Refusal):
    kind = Kind.MALFORMED
    code = "body-not-wanted"
    title = "The request takes no body"


class NotJson(Refusal):
    kind = Kind.WRONG_MEDIA_TYPE
    code = "not-json"
    title = "The body is not declared as JSON"


class BrokenJson(Refusal):
    kind = Kind.MALFORMED
    code = "broken-json"
    title = "The body is not JSON"


class IdempotencyKeyMissing(Refusal):
    kind = Kind.MALFORMED
    code = "idempotency-key-missing"
    title = "A write needs an Idempotency-Key"


async def read_body(request: Request, limit_bytes: int = BODY_LIMIT_BYTES) -> bytes:
    """JSON. Raises BodyTooLarge, before the rest is read, or NotJson."""
    body = await read_bytes(request, limit_bytes)
    media_type = request.headers.get("content-type", "")
    if media_type.split(";", 1)[0].strip().lower() != "application/json":
        raise NotJson("Send the body as application/json.")
    return body


async def read_bytes(request: Request, limit_bytes: int = BODY_LIMIT_BYTES) -> bytes:
    """Whatever its type. Raises BodyTooLarge, before the rest is read."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLarge(f"A body may have {limit_bytes} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


def parse_body(model: type[_Model], body: bytes) -> _Model:
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
            errors=[
                FieldError(_path_in(sent, p["loc"]), _sentence(p["type"], p["msg"])) for p in problems[:50]
            ],
        ) from None


def _path(location: Sequence[int | str]) -> str:
    """A name that may be an account number in the wrong place is not repeated."""
    return ".".join("…" if _NUMBER.search(str(part)) else str(part) for part in location) or "body"


def _as_sent(body: bytes) -> Any:
    """Raises BrokenJson."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:  # NaN and Infinity, which the validator reads and JSON does not have
        raise BrokenJson("The body is not JSON: numbers must be finite.") from None


def _path_in(sent: Any, location: Sequence[int | str]) -> str:
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
    return _path(path)


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


def idempotency_key(request: Request) -> str:
    """Raises IdempotencyKeyMissing when it is absent or not 1 to 255 visible ASCII characters."""
    keys = request.headers.getlist("idempotency-key")
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise IdempotencyKeyMissing(
            "Send one Idempotency-Key header of 1 to 255 visible characters; a UUID is a good choice."
        )
    return keys[0]


def query_parameters(request: HTTPConnection, model: type[_Model]) -> _Model:
    """The query string as a model; unknown names are refused. `access_token` belongs to the gateway."""
    values: dict[str, Any] = {k: v for k, v in request.query_params.items() if k != "access_token"}
    try:
        return model.model_validate_strings(values, by_alias=True, by_name=False)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise InvalidRequest(
            "The query was refused.",
            errors=[FieldError(_path(p["loc"]), _sentence(p["type"], p["msg"])) for p in problems],
        ) from None
