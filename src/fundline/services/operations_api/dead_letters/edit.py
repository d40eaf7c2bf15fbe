"""Correcting the payload of a dead letter: valid for its topic, about the same application, and told in the audit."""

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic.alias_generators import to_camel

from fundline.contracts.topics import Topic
from fundline.platform.parsing import parse_json
from fundline.platform.refusals import FieldError, InvalidRequest
from fundline.services.operations_api.dead_letters.store import Letter

_NOTHING = object()


def edited_payload(letter: Letter, topic: Topic, payload: Mapping[str, Any]) -> str:
    """The JSON that a replay will send. Raises InvalidRequest with the path of each value that is wrong."""
    text = orjson.dumps(dict(payload))
    try:
        parse_json(topic.payload, text)
    except InvalidRequest as refused:
        errors = [FieldError(f"payload.{error.path}", error.message) for error in refused.errors]
        raise InvalidRequest(f"The payload is not valid for {topic.name}.", errors=errors) from None
    known = {to_camel(name) for name in topic.payload.model_fields} | set(as_object(letter.payload) or ())
    errors = [
        FieldError(f"payload.{name}", "This field is unknown.") for name in payload if name not in known
    ]
    if str(payload.get("applicationId", "")).lower() != letter.key.lower():
        errors.append(FieldError("payload.applicationId", f"This must stay {letter.key}."))
    if errors:
        raise InvalidRequest("The payload was refused and nothing was stored.", errors=errors)
    return text.decode()


def as_object(payload: bytes) -> dict[str, Any] | None:
    """None when the bytes are no JSON object."""
    try:
        read = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    return read if isinstance(read, dict) else None


def difference(before: bytes, after: bytes) -> dict[str, dict[str, Any]]:
    """By field: `from` and `to`, one of them missing where the field is new or gone.

    All fields are new when `before` is no JSON object.
    """
    old, new = as_object(before) or {}, as_object(after) or {}
    changed: dict[str, dict[str, Any]] = {}
    for name in sorted(old.keys() | new.keys()):
        was, will_be = old.get(name, _NOTHING), new.get(name, _NOTHING)
        if was != will_be:
            both = {"from": was, "to": will_be}
            changed[name] = {side: value for side, value in both.items() if value is not _NOTHING}
    return changed
