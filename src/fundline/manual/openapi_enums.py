"""Every list of values in the OpenAPI document has a name of its own.

Generators name what has no name after where it stands: `status` of `Application` becomes `ApplicationStatus`, which is
another schema already, and one of the two is lost.
"""

from typing import Any

from fundline.manual.openapi_parts import REFERENCE

_ENDING = "Value"
"""No schema of ours ends with it."""


def named_enums(schemas: dict[str, Any]) -> dict[str, Any]:
    """The schemas, and beside them each list of values that stood within one; equal lists share a name."""
    found: dict[tuple[str, ...], str] = {}
    outer = {name: _named(schema, name, found) for name, schema in sorted(schemas.items())}
    lists = {name: {"type": "string", "enum": list(values)} for values, name in found.items()}
    if outer.keys() & lists.keys():
        raise ValueError(f"These names are taken twice: {sorted(outer.keys() & lists.keys())}.")
    return dict(sorted({**outer, **lists}.items()))


def _named(schema: dict[str, Any], name: str, found: dict[tuple[str, ...], str]) -> dict[str, Any]:
    """`name`: what the schema would be called."""
    return {
        key: {
            inner: _within(value, name + inner[:1].upper() + inner[1:], found)
            for inner, value in part.items()
        }
        if key in {"properties", "$defs"}
        else _within(part, name, found)
        for key, part in schema.items()
    }


def _within(part: Any, name: str, found: dict[tuple[str, ...], str]) -> Any:
    if isinstance(part, list):
        return [_within(one, name, found) for one in part]
    if not isinstance(part, dict):
        return part
    if "enum" not in part or part.get("type") != "string":
        return _named(part, name, found)
    kept = {key: value for key, value in part.items() if key not in {"enum", "type", "title"}}
    reference = found.setdefault(tuple(part["enum"]), name + _ENDING)
    return {"$ref": REFERENCE.format(model=reference), **kept}
