"""JSON of strangers: each name once, and one form for all orders of the same members."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from fundline.platform.database.idempotency import write_key
from fundline.platform.parsing import BrokenJson, SentJson, load_json, parse_json
from fundline.platform.refusals import InvalidRequest

FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class Anything(BaseModel):
    model_config = ConfigDict(extra="allow")


def turned(value: Any) -> Any:
    """The same, with the members of each object in the other order."""
    if isinstance(value, dict):
        return {name: turned(inner) for name, inner in reversed(value.items())}
    return [turned(inner) for inner in value] if isinstance(value, list) else value


def digest(body: bytes) -> bytes:
    return write_key("alice", "k", method="POST", path="/v1", body=SentJson.of(body)).request_hash


@given(JSON)
def test_the_same_json_in_another_order_is_the_same_request(value):
    one = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    other = json.dumps(turned(value), indent=3).encode()
    assert digest(one) == digest(other)


@given(JSON, JSON)
def test_other_json_is_another_request(value, other):
    same = orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        other, option=orjson.OPT_SORT_KEYS
    )
    assert (digest(orjson.dumps(value)) == digest(orjson.dumps(other))) == same


TWICE = [
    b'{"a":1,"a":1}',
    b'{"a":{"b":1,"c":2,"b":3}}',
    b'[{"a":[{"b":1,"b":2}]}]',
    b'{"decision":"reject","decisi\\u006fn":"approve"}',
    b'{"":1,"":2}',
]


@pytest.mark.parametrize("body", TWICE)
def test_a_name_that_stands_twice_is_refused_wherever_it_stands(body):
    for read in (lambda sent: parse_json(Anything, sent), load_json):
        with pytest.raises(BrokenJson, match="may stand once"):
            read(body)


def test_an_account_number_as_a_name_is_not_repeated():
    with pytest.raises(BrokenJson) as refused:
        parse_json(Anything, b'{"DE89370400440532013000":1,"DE89370400440532013000":2}')
    assert "3704" not in refused.value.sentence


@pytest.mark.parametrize(
    "body", [b"[" * 60_000, b'{"a":' * 20_000, b"\xff", b"9" * 60_000, b'"\\ud800"', b"", b"{", b"NaN"]
)
def test_nothing_that_is_sent_is_a_bug(body):
    assert SentJson.of(body).body == body
    with pytest.raises((BrokenJson, InvalidRequest)):
        parse_json(Anything, body)
