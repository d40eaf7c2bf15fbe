"""The six events are a contract with every consumer, also with those we do not know."""

import copy
import json
from typing import get_args

import jsonschema
import pytest

from fundline.contracts.envelope import parse_envelope
from fundline.contracts.payloads import Status, Verdict
from fundline.contracts.topics import TOPICS, Topic
from fundline.domain.application import DECIDED, ApplicationStatus
from fundline.manual.events import ENVELOPE_HEADERS
from fundline.manual.evolution import broken_promises, differences, published_schema
from fundline.manual.examples import EXAMPLES, example_envelope
from fundline.manual.pages import DOCS

FIELDS_OF_THE_BRIEF = {
    "applications.created": {"applicationId", "userId", "amount", "timestamp", "metadata"},
    "risk.scoring.requested": {"applicationId"},
    "risk.scoring.completed": {"applicationId", "riskScore", "status", "timestamp", "modelVersion"},
    "disbursement.requested": {"applicationId"},
    "disbursement.completed": {"applicationId", "status", "transactionId", "timestamp", "error"},
    "status.updated": {"applicationId", "status", "timestamp", "metadata"},
}
every_topic = pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)


def schema(topic: Topic) -> dict:
    published = published_schema(topic, DOCS)
    assert published is not None, f"{topic.name} has no published schema; run `make docs`"
    return published


def validator(topic: Topic) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        schema(topic), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def test_there_are_exactly_the_six_topics_of_the_brief():
    assert set(TOPICS) == set(FIELDS_OF_THE_BRIEF)


@every_topic
def test_the_published_schema_is_a_valid_json_schema(topic):
    jsonschema.Draft202012Validator.check_schema(schema(topic))


@every_topic
def test_the_fields_of_the_brief_are_there_under_their_exact_names(topic):
    assert FIELDS_OF_THE_BRIEF[topic.name] <= set(schema(topic)["required"])


@every_topic
def test_an_event_with_an_amount_names_its_currency(topic):
    fields = schema(topic)["properties"]
    assert "amount" not in fields or "currency" in fields


@every_topic
def test_what_a_producer_writes_is_valid_under_the_published_schema(topic):
    validator(topic).validate(json.loads(EXAMPLES[topic.name].wire()))


@every_topic
def test_what_was_written_is_read_back_as_it_was(topic):
    example = EXAMPLES[topic.name]
    assert topic.payload.model_validate_json(example.wire()) == example


@every_topic
def test_an_amount_that_is_a_json_number_is_not_valid(topic):
    payload = json.loads(EXAMPLES[topic.name].wire())
    numbers = [name for name in ("amount", "riskScore") if name in payload]
    for name in numbers:
        assert not validator(topic).is_valid({**payload, name: 50000.0})


@every_topic
def test_a_reader_ignores_a_field_that_was_added_later(topic):
    payload = json.loads(EXAMPLES[topic.name].wire())
    later = {**payload, "addedLater": {"any": "thing"}}
    validator(topic).validate(later)
    assert topic.payload.model_validate(later) == EXAMPLES[topic.name]


@every_topic
def test_no_field_of_the_published_schema_was_removed_or_retyped(topic):
    assert broken_promises(topic, DOCS) == []


def test_a_removed_a_retyped_and_an_optional_field_are_found():
    published = schema(TOPICS["risk.scoring.completed"])
    changed = copy.deepcopy(published)
    del changed["properties"]["modelVersion"]
    changed["properties"]["riskScore"] = {"type": "number"}
    changed["properties"]["status"]["enum"] = ["approved", "rejected"]
    changed["required"].remove("timestamp")
    assert list(differences(published, changed)) == [
        "the field riskScore has another type.",
        "the field status has lost the values pending_review.",
        "the field modelVersion is gone.",
        "the field timestamp may now be absent.",
    ]


def test_an_added_field_and_an_added_value_break_no_promise():
    published = schema(TOPICS["status.updated"])
    changed = copy.deepcopy(published)
    changed["properties"]["region"] = {"type": "string"}
    changed["properties"]["status"]["enum"].append("cancelled")
    assert list(differences(published, changed)) == []


@every_topic
def test_the_envelope_is_read_back_from_its_headers(topic):
    envelope = example_envelope(topic)
    assert parse_envelope(envelope.headers()) == envelope


@every_topic
def test_every_header_of_the_envelope_is_documented(topic):
    assert set(example_envelope(topic).headers()) == {name for name, _ in ENVELOPE_HEADERS}


def test_the_statuses_on_the_wire_are_those_of_the_domain():
    assert set(get_args(Status)) == {status.value for status in ApplicationStatus}


def test_the_verdicts_on_the_wire_are_the_decisions_of_the_domain():
    assert set(get_args(Verdict)) == {status.value for status in DECIDED}


@every_topic
def test_each_group_has_a_retry_topic_of_its_own_and_the_topic_one_for_dead_letters(topic):
    assert topic.all_names() == (
        topic.name,
        *(f"{topic.name}.{group}.retry" for group in topic.groups),
        f"{topic.name}.dlq",
    )
