"""Reading requests: bodies have a limit, JSON has a form, and a write has a key."""

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import HTTPConnection, Request

from fundline.platform.parsing import field_error, parse_json
from fundline.platform.refusals import FieldError, InvalidRequest, Kind, Refusal
from fundline.platform.texts import has_control

BODY_LIMIT_BYTES = 64 * 1024
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
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
    """The body, whatever its type. Raises BodyTooLarge before the rest is read."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLarge(f"A body may have {limit_bytes} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


def parse_body(model: type[_Model], body: bytes) -> _Model:
    """Raises BrokenJson or InvalidRequest with the path of each value that is wrong."""
    return parse_json(model, body)


def idempotency_key(request: Request) -> str:
    """Raises IdempotencyKeyMissing when it is absent or not 1 to 255 visible ASCII characters."""
    keys = request.headers.getlist("idempotency-key")
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise IdempotencyKeyMissing(
            "Send one Idempotency-Key header of 1 to 255 visible characters; a UUID is a good choice."
        )
    return keys[0]


def query_parameters(request: HTTPConnection, model: type[_Model]) -> _Model:
    """The query string as a model; unknown names are refused. `access_token` belongs to the gateway.

    A name that stands twice is refused, and so is a control character, whatever the value means.
    """
    sent = [(name, value) for name, value in request.query_params.multi_items() if name != "access_token"]
    values: dict[str, Any] = dict(sent)
    if len(values) < len(sent) or any(has_control(name) or has_control(value) for name, value in sent):
        raise InvalidRequest("The query was refused.", errors=_unreadable(sent))
    try:
        return model.model_validate_strings(values, by_alias=True, by_name=False)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise InvalidRequest(
            "The query was refused.",
            errors=[field_error(p["loc"], p["type"], p["msg"]) for p in problems],
        ) from None


def _unreadable(sent: list[tuple[str, str]]) -> list[FieldError]:
    names = [name for name, _ in sent]
    twice = {name for name in names if names.count(name) > 1}
    errors = [FieldError(_named(name), "This stands there twice.") for name in sorted(twice)]
    return errors + [
        FieldError(_named(name), "Control characters are not allowed.")
        for name, value in sent
        if has_control(name) or has_control(value)
    ]


def _named(name: str) -> str:
    return "query" if has_control(name) else name[:50]
