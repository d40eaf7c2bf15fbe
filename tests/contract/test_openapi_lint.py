"""A linter of the OpenAPI document: what its standard allows, and readers and generators of clients stumble over.

The first rules are those that Spectral recommends for any document, the others those of the OWASP API Security Top 10
(2023) that a document can show. They stand here because no linter that can be locked from Python packages knows
OpenAPI 3.1 (ADR 0060).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest

from fundline.manual.openapi import openapi_document
from support.openapi_parts import parts, references_in, sent_schemas

DOCUMENT = openapi_document()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
Findings = Iterator[str]
FREE = {"ApplicationRequest.metadata", "ReplayRequest.payload"}
"""Any JSON; the code limits its size."""


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def an_operation_has_one_name_one_tag_that_is_declared_and_a_sentence() -> Findings:
    declared = [tag["name"] for tag in DOCUMENT["tags"]]
    for where, one in operations():
        if not re.fullmatch(r"[a-z][A-Za-z]+", one.get("operationId", "")):
            yield f"{where}: its name {one.get('operationId')}"
        if len(one["tags"]) != 1 or one["tags"][0] not in declared:
            yield f"{where}: its tag {one['tags']}"
        if not one["summary"].endswith("."):
            yield f"{where}: its sentence"
    names = Counter(one["operationId"] for _, one in operations())
    yield from (f"{name}: taken twice" for name, times in names.items() if times > 1)


def a_tag_is_declared_once_described_and_used() -> Findings:
    used = {tag for _, one in operations() for tag in one["tags"]}
    names = [tag["name"] for tag in DOCUMENT["tags"]]
    yield from (f"{name}: declared twice" for name, times in Counter(names).items() if times > 1)
    yield from (f"{tag['name']}: not described" for tag in DOCUMENT["tags"] if not tag.get("description"))
    yield from (f"{name}: not used" for name in set(names) - used)


def a_path_ends_without_a_slash_and_names_exactly_its_parts() -> Findings:
    for path, methods in DOCUMENT["paths"].items():
        if path.endswith("/") or "?" in path or "{}" in path:
            yield path
        for method, one in methods.items():
            named = [p["name"] for p in one["parameters"] if p["in"] == "path"]
            if sorted(named) != sorted(re.findall(r"{(\w+)}", path)):
                yield f"{method} {path}: {named}"


def a_parameter_stands_once_and_one_of_the_path_is_required() -> Findings:
    for where, one in operations():
        names = Counter((p["name"], p["in"]) for p in one["parameters"])
        yield from (f"{where}: {name} twice" for (name, _), times in names.items() if times > 1)
        yield from (
            f"{where}: {p['name']}"
            for p in one["parameters"]
            if p["in"] == "path" and p.get("required") is not True
        )


def an_operation_says_how_it_succeeds_and_each_answer_is_described() -> Findings:
    for where, one in operations():
        statuses = one["responses"]
        if not any(status < "400" for status in statuses):
            yield f"{where}: no success"
        yield from (f"{where}: {status}" for status, told in statuses.items() if not told.get("description"))


def a_component_is_used() -> Findings:
    used = references_in(DOCUMENT)
    yield from (name for name in SCHEMAS if name not in used)


def an_array_says_of_what_and_a_list_of_values_has_each_once() -> Findings:
    for path, part in parts(SCHEMAS):
        if part.get("type") == "array" and not {"items", "prefixItems"} & part.keys():
            yield ".".join(path)
        values = part.get("enum")
        if isinstance(values, list) and len(values) != len(set(map(str, values))):
            yield ".".join(path)


def an_example_fits_its_schema() -> Findings:
    """A validator looks at defaults, not at examples."""
    for path, part in parts(DOCUMENT):
        shown = list(part.get("examples", ())) if isinstance(part.get("examples"), list) else []
        schema = {**part, "components": DOCUMENT["components"]}
        if "example" in part and "schema" in part:
            shown, schema = [part["example"]], {**part["schema"], "components": DOCUMENT["components"]}
        for example in shown:
            for error in jsonschema.Draft202012Validator(schema).iter_errors(example):
                yield f"{'.'.join(path)}: {error.message}"


def a_server_is_a_place_of_ours_and_ends_without_a_slash() -> Findings:
    yield from (s["url"] for s in DOCUMENT["servers"] if s["url"].endswith("/") or "example" in s["url"])


def an_operation_needs_a_token_of_a_declared_kind() -> Findings:
    declared = DOCUMENT["components"]["securitySchemes"]
    for where, one in operations():
        wanted = one.get("security", DOCUMENT["security"])
        if not wanted or any(not kinds or not kinds.keys() <= declared.keys() for kinds in wanted):
            yield f"{where}: {wanted}"


def a_refusal_is_a_problem_and_the_usual_ones_are_declared() -> Findings:
    for where, one in operations():
        told = one["responses"]
        usual = {"401", "429", "503"} | ({"400", "409", "422"} if "Idempotency-Key" in str(one) else set())
        yield from (f"{where}: no {status}" for status in usual - told.keys())
        for status, answer in told.items():
            if status >= "400" and list(answer["content"]) != ["application/problem+json"]:
                yield f"{where}: {status} is no problem document"
        for status in ("429", "503"):
            if "Retry-After" not in told[status].get("headers", {}):
                yield f"{where}: {status} without Retry-After"


def a_write_has_a_key() -> Findings:
    for where, one in operations():
        has_key = any(p["name"] == "Idempotency-Key" and p["required"] for p in one["parameters"])
        if has_key == where.startswith("GET "):
            yield where


def what_is_sent_has_a_limit() -> Findings:
    """OWASP API4 (2023): each text, list and number of a request, and each value of a query."""
    sent = {name: SCHEMAS[name] for name in sent_schemas(DOCUMENT)}
    for path, part in parts(sent):
        if ".".join((path or ("",))[::2][:2]) in FREE:
            continue
        if not is_limited(part):
            yield ".".join(path)
    for where, one in operations():
        for parameter in one["parameters"]:
            if parameter["in"] == "query" and not is_limited(parameter["schema"]):
                yield f"{where}: {parameter['name']}"


def is_limited(schema: dict[str, Any]) -> bool:
    limits = {
        "string": ({"maxLength"}, {"format"}, {"pattern"}),
        "array": ({"maxItems"},),
        "integer": ({"minimum", "maximum"},),
        "number": ({"minimum", "maximum"}, {"exclusiveMinimum", "maximum"}),
    }
    kind = str(schema.get("type"))  # of a property that is called `type`: no kind at all
    enough = (*limits.get(kind, (set[str](),)), {"enum"}, {"const"})
    return any(wanted <= schema.keys() for wanted in enough)


def what_is_sent_has_no_field_more_than_is_declared() -> Findings:
    """OWASP API3 (2023)."""
    for name in sent_schemas(DOCUMENT):
        for path, part in parts({name: SCHEMAS[name]}):
            if "properties" in part and part.get("additionalProperties") is not False:
                yield ".".join(path)


RULES: list[Callable[[], Findings]] = [
    an_operation_has_one_name_one_tag_that_is_declared_and_a_sentence,
    a_tag_is_declared_once_described_and_used,
    a_path_ends_without_a_slash_and_names_exactly_its_parts,
    a_parameter_stands_once_and_one_of_the_path_is_required,
    an_operation_says_how_it_succeeds_and_each_answer_is_described,
    a_component_is_used,
    an_array_says_of_what_and_a_list_of_values_has_each_once,
    an_example_fits_its_schema,
    a_server_is_a_place_of_ours_and_ends_without_a_slash,
    an_operation_needs_a_token_of_a_declared_kind,
    a_refusal_is_a_problem_and_the_usual_ones_are_declared,
    a_write_has_a_key,
    what_is_sent_has_a_limit,
    what_is_sent_has_no_field_more_than_is_declared,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_document_keeps_each_rule(rule):
    assert sorted(set(rule())) == []
