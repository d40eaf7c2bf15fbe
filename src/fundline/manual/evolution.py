"""Compares a payload with the schema that was published for it. The published one is the promise to consumers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fundline.contracts.topics import Topic
from fundline.manual.events import schema_file, schema_of

_MEANING = ("type", "format", "pattern", "const", "anyOf", "items", "additionalProperties", "minimum")


def published_schema(topic: Topic, docs: Path) -> dict[str, Any] | None:
    """The schema kept in the repository for the topic's version; None before the first `make docs`."""
    file = docs / "events" / schema_file(topic)
    if not file.exists():
        return None
    schema: dict[str, Any] = json.loads(file.read_text())
    return schema


def broken_promises(topic: Topic, docs: Path) -> list[str]:
    """A sentence for each field that a reader of the published schema would miss or misread."""
    published = published_schema(topic, docs)
    return [] if published is None else list(differences(published, schema_of(topic)))


def differences(published: dict[str, Any], present: dict[str, Any]) -> Iterator[str]:
    """An addition, or one more value of an enumeration, is not a difference: readers ignore what they do not know."""
    for name, before in published["properties"].items():
        now = present["properties"].get(name)
        if now is None:
            yield f"the field {name} is gone."
            continue
        if any(before.get(part) != now.get(part) for part in _MEANING):
            yield f"the field {name} has another type."
        if missing := set(before.get("enum", ())) - set(now.get("enum", ())):
            yield f"the field {name} has lost the values {', '.join(sorted(missing))}."
    for name in published["required"]:
        if name in present["properties"] and name not in present["required"]:
            yield f"the field {name} may now be absent."
