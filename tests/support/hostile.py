"""What a stranger may send in every place of a request: made from the declarations, one wrong place at a time."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from fundline.platform.http.endpoints import Endpoint

TEXTS = (
    "", " ", "\x00", "a\x00b", "\x1b[2J", "\u202e", "\u200d", "\ufeff", "\U0001f469\u200d\U0001f373", "é" * 300,
    "x" * 4000, "0", "-1", "1.5", "1e999", "NaN", "null", "true", "2147483648", "9223372036854775808", "9" * 400,
    "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}", "FL-0000-0000-00000",
    "fl0000000000001", "FL-ZZZZ-ZZZZ-ZZZZZ", "https://xn--/", "https://[::1", "https://\u2100.example/", "a@xn--.",
    "../..", "'; select 1 --", "%s", "AAAAAAAAAAAAAAAAAAAAAA", "2026-13-45T00:00:00Z", "-infinity",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    *TEXTS, None, True, 0, -1, 1.5, 2**31, 2**63, 2**64, 10**60, 1e308, [], {}, [[]], [None], {"a": {}},
    {"type": "iban"}, ["x"] * 500,
)  # fmt: skip
BODIES = (
    b"", b"{", b"[]", b"null", b"1", b'"\\ud800"', b"\xff", b"\x00", b"[" * 5000, b'{"a":' * 5000, b'{"a":1,"a":2}',
    b"NaN", b'{"reason":"\\u0000"}', b'{"\\u0000":1}', b"9" * 5000, b" " * 200_000,
)  # fmt: skip
HEADERS = {
    "authorization": ("", "Bearer", "Bearer x", "Basic eDp5", "Bearer " + "x" * 4000, "Bearer a.b.c"),
    "content-type": ("", "text/plain", "application/json; charset=utf-16", ";", "application/xml"),
    "idempotency-key": ("", "k" * 256, "a b", "\u00e9", "k, k"),
    "last-event-id": ("-1", "x", "9" * 9, "9" * 30, "\u00b2"),
    "traceparent": ("", "00-0-0-0", "x" * 2000),
    "x-correlation-id": ("", "a b", "x" * 2000, "\u00e9"),
    "x-timeout-ms": ("-1", "\u00b2", "9" * 30, "1.5"),
    "content-length": ("-1", "x"),
}


@dataclass(frozen=True)
class Hostile:
    """One request. `place`: which part of it is wrong, for a person who reads a failure."""

    place: str
    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    async def send(self, http: httpx.AsyncClient, headers: Mapping[str, str]) -> httpx.Response:
        raw = {
            name.encode(): value.encode("latin-1", "replace")
            for name, value in {**headers, **self.headers}.items()
        }
        url = self.path + (f"?{self.query}" if self.query else "")
        return await http.request(self.method, url, headers=raw, content=self.body)


def requests_against(endpoint: Endpoint[Any, Any], ids: Mapping[str, str]) -> Iterator[Hostile]:
    """Every path value, every parameter, every header and every field of the body, each with everything hostile."""
    model = None if endpoint.takes is None else endpoint.takes.model_json_schema()
    yield from requests_at(
        endpoint.method,
        endpoint.path,
        ids,
        names=[value.name for value in endpoint.path_values],
        queries=() if endpoint.is_write or model is None else tuple(model["properties"]),
        example=endpoint.example,
        schema=model or {},
        is_write=endpoint.is_write,
    )


def requests_at(
    method: str,
    path: str,
    ids: Mapping[str, str],
    *,
    names: Sequence[str],
    queries: Sequence[str],
    example: Mapping[str, Any] | None,
    schema: Mapping[str, Any],
    is_write: bool,
) -> Iterator[Hostile]:
    """The same of a route that is not declared; `names` are those of the values in its path."""
    good, body = path.format_map(ids), None if example is None else json.dumps(example).encode()
    for name, text in itertools.product(names, TEXTS):
        if text not in {"", "../.."}:
            wrong = path.format_map({**ids, name: quote(text, safe="")})
            yield Hostile(f"path {name}", method, wrong, body=body)
    for name, text in itertools.product((*queries, "surprise", "access_token"), TEXTS):
        yield Hostile(f"query {name}", method, good, f"{name}={quote(text, safe='')}", body=body)
    for name in queries:
        yield Hostile(f"query {name}", method, good, f"{name}=%00&{name}=%ff&%00={name}", body=body)
    for name, texts in HEADERS.items():
        for text in texts:
            yield Hostile(f"header {name}", method, good, headers={name: text}, body=body)
    for sent in BODIES if is_write else ():
        yield Hostile("body", method, good, body=sent)
    for place, sent in bodies_of(example, schema) if is_write and example is not None else ():
        yield Hostile(f"body {place}", method, good, body=sent)


def bodies_of(example: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The example with one field, given or optional, replaced."""
    for place in _places(schema, schema, example):
        for value in VALUES:
            yield ".".join(place), json.dumps(_with(example, place, value)).encode()
        yield ".".join(place), json.dumps(_with(example, place, "\ud800")).encode()


def _places(root: Any, schema: Any, example: Any) -> Iterator[tuple[str, ...]]:
    for name, inner in _properties(root, schema).items():
        yield (name,)
        for deeper in _places(root, inner, {}):
            yield (name, *deeper)


def _properties(root: Any, schema: Any) -> dict[str, Any]:
    """Of an object, or of all forms that it may have."""
    if "$ref" in schema:
        return _properties(root, root["$defs"][schema["$ref"].rpartition("/")[2]])
    found: dict[str, Any] = dict(schema.get("properties", {}))
    for form in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        found |= _properties(root, form)
    return found


def _with(example: Mapping[str, Any], place: tuple[str, ...], value: Any) -> dict[str, Any]:
    name, *rest = place
    if not rest:
        return {**example, name: value}
    inner = example.get(name)
    return {**example, name: _with(inner if isinstance(inner, dict) else {}, tuple(rest), value)}
