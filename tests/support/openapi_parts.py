"""Walks through an OpenAPI document."""

from collections.abc import Iterator
from typing import Any


def parts(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every object of it, with its path."""
    if isinstance(value, dict):
        yield path, value
        for name, inner in value.items():
            yield from parts(inner, (*path, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from parts(inner, (*path, str(place)))


def references_in(value: Any) -> set[str]:
    """Names of the schemas that it refers to."""
    named = {
        name for _, part in parts(value) for name in part.get("discriminator", {}).get("mapping", {}).values()
    }
    return {
        reference.rpartition("/")[2]
        for reference in {part["$ref"] for _, part in parts(value) if "$ref" in part} | named
    }


def sent_schemas(document: dict[str, Any]) -> set[str]:
    """Names of the schemas that bodies of requests are made of."""
    schemas = document["components"]["schemas"]
    waiting = references_in(
        [one["requestBody"] for _, one in parts(document["paths"]) if "requestBody" in one]
    )
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= references_in(schemas[name])
    return found
