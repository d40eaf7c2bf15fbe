from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from fundline.platform.audit.rows import RecordedTable, merged, rows_of

THINGS = RecordedTable(
    "things",
    {"thing_id": "uuid"},
    ("amount_minor", "rate", "at", "name", "seal", "document", "secret", "lasts"),
    "'things'",
    json=frozenset({"document"}),
    hidden=frozenset({"secret"}),
)
KEY = UUID(int=7)


def fact(column, value):
    return THINGS.facts({"thing_id": KEY, column: value})[column]


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("amount_minor", 5, 5),
        ("amount_minor", None, None),
        ("rate", Decimal("0.0500"), "0.0500"),
        ("at", datetime(2026, 11, 27, 1, 2, 3, 4, tzinfo=UTC), "2026-11-27T01:02:03.000004Z"),
        ("lasts", timedelta(minutes=5), "0:05:00"),
        ("name", "short", "short"),
    ],
)
def test_a_value_that_everybody_may_read_stands_as_it_is(column, value, told):
    assert fact(column, value) == told


@pytest.mark.parametrize(
    ("column", "value"), [("seal", b"x"), ("secret", "4711"), ("name", "x" * 101), ("document", '{"a": 1}')]
)
def test_bytes_hidden_and_long_texts_and_documents_stand_as_digests(column, value):
    told = fact(column, value)
    assert told.startswith("sha256:")
    assert len(told) == len("sha256:") + 32


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1,"b":2}', '{"b": 2, "a": 1}'),
        ('{"a":1e2}', '{"a": 100}'),
        ('{"a":100.0}', '{"a": 100}'),
        ('{"a":1e22}', '{"a": 10000000000000000000000}'),
        ('{"a":-0.0}', '{"a": 0.0}'),
        ('{"a":0.10}', '{"a": 0.1}'),
        ('"\\u00e4"', '"ä"'),
    ],
)
def test_two_ways_to_write_a_document_are_one(one, other):
    assert fact("document", one) == fact("document", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1}', '{"a":"1"}'),
        ('{"a":10}', '{"a":1}'),
        ('{"a":-1}', '{"a":1}'),
        ("[1, 2]", "[2, 1]"),
        ("null", "{}"),
    ],
)
def test_two_documents_are_two(one, other):
    assert fact("document", one) != fact("document", other)


def test_only_the_columns_that_are_given_are_recorded():
    assert rows_of(THINGS, [{"thing_id": KEY, "name": "n", "unknown": 1}]) == {
        "things": [{"thing_id": str(KEY), "name": "n"}]
    }


def test_rows_of_several_writes_are_one_list_by_table():
    one, other = {"a": [{"x": 1}]}, {"a": [{"x": 2}], "b": [{"y": 3}]}
    assert merged(one, other) == {"a": [{"x": 1}, {"x": 2}], "b": [{"y": 3}]}


def test_a_type_without_a_form_is_refused():
    with pytest.raises(TypeError, match="list has no form in the trail"):
        fact("name", [1])
