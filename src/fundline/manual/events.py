"""One page and one JSON Schema per topic, and the index with the envelope."""

import json
from typing import Any

from fundline.contracts.bounds import DEEPEST, LONGEST_FIELD
from fundline.contracts.moments import EARLIEST, LATEST
from fundline.contracts.payloads import Payload
from fundline.contracts.topics import APPLICATIONS_CREATED, EXPRESS_LANES, TOPICS, Topic
from fundline.manual.examples import EXAMPLES, example_envelope
from fundline.manual.markdown import code, fenced, page, table
from fundline.platform.kafka import door, messages
from fundline.platform.settings import KafkaSettings

ENVELOPE_HEADERS = (
    ("ce_specversion", "CloudEvents version, always `1.0`."),
    ("ce_id", "The event's id (UUID). An event that is sent again keeps it; the inbox knows it by this id."),
    ("ce_type", "`fundline.<topic>.v<schema version>`."),
    ("ce_source", "`/fundline/<process>`: which process stored the event."),
    ("ce_time", "When it became true; ISO 8601, UTC, microseconds."),
    ("ce_subject", "The application id, as in the message's key."),
    ("ce_schemaversion", "Version of the payload's schema."),
    ("ce_correlationid", "The `x-correlation-id` of the request that began the story."),
    ("traceparent", "W3C Trace Context: the trace goes on in the consumer."),
    ("content-type", "`application/json`."),
)
RETRY_HEADERS = (
    (messages.ATTEMPT, "Which attempt the next delivery is, or which one failed last (dead letter)."),
    (messages.NOT_BEFORE, "Earliest time of the next attempt. Retry topics only."),
    (messages.FIRST_FAILURE, "When the first attempt failed."),
    (messages.CAUSE, "Class and sentence of the last failure, at most 500 characters."),
    (messages.GROUP, "The consumer group that failed."),
    (
        messages.ORIGIN,
        "`topic/partition/offset` of the first delivery; of the whole message, when this one is cut.",
    ),
    (
        messages.CUT_BYTES,
        "Size of a payload that was too large; the value is its first 64 KiB. Dead letters only.",
    ),
    (messages.CUT_SHA256, "SHA-256 of that payload. Dead letters only."),
)


def schema_file(topic: Topic) -> str:
    return f"{topic.name}.v{topic.schema_version}.schema.json"


def schema_of(topic: Topic) -> dict[str, Any]:
    """JSON Schema 2020-12 of what producers write. Unknown fields stay allowed: fields may be added."""
    written = topic.payload.model_json_schema(by_alias=True, mode="serialization")
    read = topic.payload.model_json_schema(by_alias=True, mode="validation")
    for name, schema in written["properties"].items():
        schema.pop("title", None)
        if "format" in read["properties"][name]:  # the serializer's own schema says only that it is text
            schema["format"] = read["properties"][name]["format"]
        _drop_default(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:fundline:event:{topic.name}:v{topic.schema_version}",
        "title": topic.event_type,
        "description": written.get("description", ""),
        "type": "object",
        "properties": written["properties"],
        "required": list(written["properties"]),
    }


def _drop_default(schema: dict[str, Any]) -> None:
    """Every field is always written; what a reader assumes when it is absent is the reader's business."""
    schema.pop("default", None)


def event_page(topic: Topic) -> str:
    schema = schema_of(topic)
    facts = [
        ["event type", code(topic.event_type)],
        ["key", "`applicationId`"],
        ["producers", ", ".join(topic.producers)],
        ["consumer groups", ", ".join(topic.groups)],
        ["retry topics", ", ".join(code(topic.retry(group)) for group in topic.groups)],
        ["dead letters", code(topic.dead_letter)],
        *[["express lane", _lane(lane)] for lane in EXPRESS_LANES if lane.lane_of == topic.name],
        ["schema", f"[{schema_file(topic)}]({schema_file(topic)})"],
    ]
    fields = [[code(name), _type_of(field)] for name, field in schema["properties"].items()]
    return page(
        code(topic.name),
        schema["description"],
        table(["", ""], facts),
        "## Payload",
        table(["field", "type"], fields),
        "## Example",
        fenced(_pretty(EXAMPLES[topic.name])),
    )


def _lane(lane: Topic) -> str:
    """The same event with the same type and schema, on a topic of its own."""
    retries = ", ".join(code(lane.retry(group)) for group in lane.groups)
    groups = ", ".join(lane.groups)
    return f"{code(lane.name)}: group {groups}, retry {retries}, dead letters {code(lane.dead_letter)}"


def events_index() -> str:
    topics = [
        [
            f"[`{topic.name}`]({topic.name}.md)",
            ", ".join(topic.producers),
            ", ".join(topic.groups),
            (topic.payload.__doc__ or "").partition("\n")[0],
        ]
        for topic in TOPICS.values()
    ]
    headers = example_envelope(APPLICATIONS_CREATED).headers()
    envelope = [[code(name), meaning, code(headers[name])] for name, meaning in ENVELOPE_HEADERS]
    return page(
        "Events",
        "Payloads are JSON in camelCase. Amounts are decimal strings, times ISO 8601 UTC. The key of every message is "
        "the application id, so the events of one application on one topic keep their order. Fields may be "
        "added, never removed or retyped; readers ignore fields they do not know. No event carries a payout account.",
        table(["topic", "producers", "consumer groups", "says"], topics),
        "## Envelope",
        "CloudEvents 1.0 in Kafka binary mode: the attributes are headers, the payload is the value.",
        table(["header", "meaning", "example"], envelope),
        "## Retry and dead-letter topics",
        "A group that fails on an event publishes it to its own `<topic>.<group>.retry`, and when no attempt is "
        "left, or none can help, to `<topic>.dlq`. Value, key and envelope stay as they were; these headers are added:",
        table(["header", "meaning"], [[code(name), meaning] for name, meaning in RETRY_HEADERS]),
        "## Sizes and bounds",
        "A message outside of these bounds is poison: a dead letter at once, with what is wrong as its cause.",
        table(["what", "at most"], bounds()),
    )


def bounds() -> list[list[str]]:
    """What the door, the payload's bounds and the settings say."""
    default = KafkaSettings.model_fields
    head = f"the first {door.HEAD_BYTES} bytes, size, SHA-256 and place"
    broker, event = (default[name].default for name in ("kafka_message_max_bytes", "event_max_bytes"))
    return [
        [
            "a message: payload, key, headers",
            f"{broker} bytes (`FUNDLINE_KAFKA_MESSAGE_MAX_BYTES`: broker, producers, consumers)",
        ],
        [
            "a payload",
            f"{event} bytes (`FUNDLINE_EVENT_MAX_BYTES`); the dead letter of a larger one has {head}",
        ],
        ["the key", f"{door.LONGEST_KEY} characters"],
        [
            "headers",
            f"{door.MOST_HEADERS}, with {door.LARGEST_HEADERS} bytes together; UTF-8, each once, none without a value",
        ],
        [
            "a text of the payload",
            f"{LONGEST_FIELD} characters, within `metadata` any; never NUL or half a character",
        ],
        ["a number", "64 bits; finite"],
        ["a time", f"with a zone, from {EARLIEST.year} to {LATEST.year}"],
        ["nesting", f"{DEEPEST} levels"],
    ]


def _type_of(schema: dict[str, Any]) -> str:
    """A field's type in a few words."""
    if "enum" in schema:
        return "one of " + ", ".join(code(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type_of(option) for option in schema["anyOf"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type_of(schema['items'])}"
    detail = schema.get("format") or (f"matches {code(schema['pattern'])}" if "pattern" in schema else "")
    if "minimum" in schema:
        detail = f"from {schema['minimum']}"
    return f"{kind}, {detail}" if detail else str(kind)


def _pretty(payload: Payload) -> str:
    return json.dumps(json.loads(payload.wire()), indent=2, ensure_ascii=False)
