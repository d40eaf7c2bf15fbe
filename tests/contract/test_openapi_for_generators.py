"""The OpenAPI document as generators of clients read it: every reference leads somewhere, and no two names are one."""

import re
from collections import Counter
from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator

from fundline.manual.openapi import openapi_document
from fundline.manual.problems import problems
from support.openapi_parts import parts, sent_schemas

DOCUMENT = openapi_document()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def class_name(*words: str) -> str:
    return "".join(re.sub(r"[^a-z0-9]", "", word.lower()) for word in words)


def test_every_reference_leads_to_a_schema():
    for path, part in parts(DOCUMENT):
        if "$ref" in part:
            assert part["$ref"].removeprefix("#/components/schemas/") in SCHEMAS, path


def test_no_list_of_values_stands_within_a_schema():
    for path, part in parts(SCHEMAS):
        if isinstance(part.get("enum"), list) and part.get("type") == "string":
            assert len(path) == 1, path


def test_no_name_that_a_generator_would_make_is_taken():
    """It names an object without a name after its schema and its property."""
    names = Counter(class_name(name) for name in SCHEMAS)
    for path, part in parts(SCHEMAS):
        if (
            len(path) == 3
            and path[1] == "properties"
            and part.get("type") == "object"
            and "properties" in part
        ):
            names[class_name(path[0], path[2])] += 1
    assert [name for name, count in names.items() if count > 1] == []


def test_a_problem_has_one_title_whoever_tells_it():
    titles: dict[str, set[str]] = {}
    for problem in problems():
        if problem.told_by != ("bank-sandbox",):
            titles.setdefault(problem.code, set()).add(problem.title)
    assert {code: told for code, told in titles.items() if len(told) > 1} == {}


def test_a_validator_takes_the_document():
    """Defaults and examples too: it found a default list that was longer than its own limit."""
    wrong = [
        "/".join(map(str, error.absolute_path)) + f": {error.message}"
        for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()
    ]
    assert wrong == []


def test_what_may_be_left_out_may_be_null_or_has_a_plain_default():
    """A generated client sends one of the two for what nobody has set. Of `metadata` it sent null, and was refused."""
    wrong = []
    for name in sorted(sent_schemas(DOCUMENT)):
        schema = SCHEMAS[name]
        for field, value in schema.get("properties", {}).items():
            if field in schema.get("required", ()):
                continue
            is_nullable = any(option.get("type") == "null" for option in value.get("anyOf", ()))
            if not is_nullable and isinstance(value.get("default", {}), dict):
                wrong.append(f"{name}.{field}")
    assert wrong == []
