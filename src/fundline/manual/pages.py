"""All generated pages as {path under docs/: text}: written, or compared with what is there."""

import json
from pathlib import Path

from fundline.contracts.topics import TOPICS
from fundline.manual.events import event_page, events_index, schema_file, schema_of
from fundline.manual.evolution import broken_promises
from fundline.manual.metrics import metrics_page
from fundline.manual.openapi import openapi_document
from fundline.manual.problems import problems_page
from fundline.manual.settings import settings_page

DOCS = Path(__file__).parents[3] / "docs"


class ContractBroken(Exception):
    """A payload lost or retyped a field under the same schema version: consumers of old events would break."""


def pages() -> dict[str, str]:
    """The same code gives the same text."""
    generated = {
        "events/README.md": events_index(),
        "metrics.md": metrics_page(),
        "settings.md": settings_page(),
        "problems.md": problems_page(),
        "openapi.json": as_json(openapi_document()),
    }
    for topic in TOPICS.values():
        generated[f"events/{topic.name}.md"] = event_page(topic)
        generated[f"events/{schema_file(topic)}"] = as_json(schema_of(topic))
    return dict(sorted(generated.items()))


def write_pages(docs: Path = DOCS) -> list[str]:
    """Rewrite what differs and return its paths. Raises ContractBroken, and then nothing is written."""
    broken = [
        f"{topic.name}: {sentence}" for topic in TOPICS.values() for sentence in broken_promises(topic, docs)
    ]
    if broken:
        raise ContractBroken(
            "Fields may be added, never removed or retyped; a change like this needs a new schema version.\n"
            + "\n".join(broken)
        )
    differing = _differing(docs)
    for path, text in differing.items():
        page = docs / path
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text)
    return list(differing)


def differing_pages(docs: Path = DOCS) -> list[str]:
    """Paths under docs/ of generated pages that are missing or say something else than the code."""
    return list(_differing(docs))


def _differing(docs: Path) -> dict[str, str]:
    """The pages are made once: making them costs a second."""
    return {
        path: text
        for path, text in pages().items()
        if not (docs / path).exists() or (docs / path).read_text() != text
    }


def as_json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
