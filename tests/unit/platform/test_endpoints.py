"""What follows from a declaration, asked of a tiny service without an engine."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from fundline.contracts.roles import Role
from fundline.platform.database.idempotency import Rendered
from fundline.platform.http.api import api
from fundline.platform.http.endpoints import Bound, BoundApp, served
from fundline.platform.identity import Caller
from fundline.platform.paging import cursor_of
from support.library import (
    ADD,
    BOOK,
    BURN,
    FOLLOW,
    LIST,
    OPEN,
    READ,
    SEALING,
    TALK,
    Library,
    NewBook,
    Tokens,
    code,
    news,
    talk,
)

JSON = {"content-type": "application/json"}


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
async def client(library: Library):
    tokens: Any = Tokens()
    bound: list[Bound | BoundApp] = [
        LIST.by(library.shelf),
        ADD.by(library.write),
        READ.by(library.one),
        BURN.by(library.write),
        OPEN.by(library.write, sealing=SEALING),
        FOLLOW.by_app(news),
        TALK.by_app(talk),
    ]
    transport = httpx.ASGITransport(api(served(tokens, bound)))
    headers = {"authorization": "operator"}
    async with httpx.AsyncClient(transport=transport, base_url="http://library", headers=headers) as client:
        yield client


async def test_a_write_gives_its_status_its_model_and_its_location(client):
    answer = await client.post("/books", json={"pages": 3}, headers={"idempotency-key": "k"})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/books/{BOOK}"
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"id": str(BOOK), "pageCount": 3, "subtitle": None}
    assert "idempotent-replayed" not in answer.headers
    assert "cache-control" not in answer.headers


async def test_a_repeat_gives_the_same_bytes_and_says_so(client):
    first = await client.post("/books", json={"pages": 3}, headers={"idempotency-key": "k"})
    again = await client.post("/books", json={"pages": 3}, headers={"idempotency-key": "k"})
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]


async def test_an_answer_that_an_older_version_has_kept_is_given_as_it_is(client, library):
    library.kept["k"] = Rendered(202, b'{"id":"7","old":true}')
    again = await client.post("/books", json={"pages": 3}, headers={"idempotency-key": "k"})
    assert (again.status_code, again.content) == (202, b'{"id":"7","old":true}')
    assert again.headers["location"] == "/books/7"


async def test_a_refusal_that_was_kept_is_repeated_as_a_problem(client):
    for _ in range(2):
        answer = await client.post("/books", json={"pages": 3}, headers={"idempotency-key": "refused"})
        assert (answer.status_code, code(answer)) == (404, "book-not-found")
    assert answer.headers["idempotent-replayed"] == "true"
    assert "location" not in answer.headers


async def test_what_shows_a_secret_is_kept_sealed_and_not_cached(client, library):
    first = await client.post(f"/books/{BOOK}/open", headers={"idempotency-key": "k"})
    assert library.kept["k"].body == first.content.replace(b"null", b'"sealed"')
    again = await client.post(f"/books/{BOOK}/open", headers={"idempotency-key": "k"})
    assert again.content == first.content
    assert [answer.headers["cache-control"] for answer in (first, again)] == ["no-store", "no-store"]
    assert again.headers["idempotent-replayed"] == "true"


async def test_checks_come_in_the_order_of_the_contract(client, library):
    """Body, token, key, role, values; the path's value is the last."""
    broken = {"content": b"not json", "headers": {"content-type": "text/plain", "authorization": ""}}
    assert code(await client.post("/books", **broken)) == "not-json"
    del client.headers["authorization"]
    assert code(await client.post("/books", content=b"{", headers=JSON)) == "unauthenticated"
    client.headers["authorization"] = "applicant"
    assert code(await client.post("/books", content=b"{", headers=JSON)) == "idempotency-key-missing"
    client.headers["idempotency-key"] = "k"
    assert code(await client.post("/books", content=b"{", headers=JSON)) == "forbidden"
    client.headers["authorization"] = "operator"
    assert code(await client.post("/books", content=b"{", headers=JSON)) == "broken-json"
    refused = await client.post("/books", content=b'{"pages": 3, "more": 1}', headers=JSON)
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "more")
    assert library.asked == []


async def test_a_read_checks_the_token_then_the_query(client):
    wrong = "/books?limit=none"
    assert (await client.get(wrong, headers={"authorization": "applicant"})).status_code == 422
    del client.headers["authorization"]
    assert (await client.get(wrong)).status_code == 401


@pytest.mark.parametrize("role", Role)
async def test_only_the_declared_roles_may(client, role):
    headers = {"authorization": role, "idempotency-key": "k"}
    answer = await client.post("/books", json={"pages": 3}, headers=headers)
    assert answer.status_code == (201 if role in ADD.roles else 403)
    assert (await client.get(f"/books/{BOOK}", headers=headers)).status_code == 200


async def test_the_use_case_gets_typed_values(client, library):
    await client.post("/books", json={"pages": 3}, headers={"idempotency-key": "k"})
    await client.get(f"/books/{BOOK}")
    write, read = library.asked
    assert write.asked == NewBook(pages=3)
    assert write.caller == Caller("operator-1", Role.OPERATOR)
    assert (write.once.key.caller, write.once.key.key) == ("operator-1", "k")
    assert read.path == {"id": BOOK}
    with pytest.raises(TypeError, match="Only a write has a key"):
        _ = read.once


@pytest.mark.parametrize("text", ["17", "not-an-id", "%00"])
async def test_what_is_not_an_id_is_nobody_s(client, library, text):
    answer = await client.get(f"/books/{text}")
    assert (answer.status_code, code(answer)) == (404, "book-not-found")
    assert library.asked == []


async def test_a_key_is_of_method_path_and_body(client, library):
    await client.post("/books", json={"pages": 3}, headers={"idempotency-key": "a"})
    await client.post("/books", json={"pages": 4}, headers={"idempotency-key": "b"})
    await client.delete(f"/books/{BOOK}", headers={"idempotency-key": "c"})
    await client.post(f"/books/{BOOK}/open", headers={"idempotency-key": "d"})
    assert len({call.once.key.request_hash for call in library.asked}) == 4


@pytest.mark.parametrize("body", [b"", b"{}"])
async def test_a_write_that_says_all_by_its_path_takes_no_body(client, body):
    headers = {"idempotency-key": "k"}
    assert (
        await client.request("DELETE", f"/books/{BOOK}", content=body, headers=headers)
    ).status_code == 200


@pytest.mark.parametrize("body", [b'{"reason": "cold"}', b"[]", b"{}" * 100_000])
async def test_a_body_that_is_not_wanted_is_refused(client, library, body):
    answer = await client.request("DELETE", f"/books/{BOOK}", content=body, headers={"idempotency-key": "k"})
    assert (answer.status_code, code(answer)) == (400, "body-not-wanted")
    assert library.asked == []


async def test_a_wrong_method_is_told_all_that_are_offered(client):
    for path, offered in (("/books", {"GET", "HEAD", "POST"}), (f"/books/{BOOK}", {"GET", "HEAD", "DELETE"})):
        answer = await client.patch(path)
        assert (answer.status_code, code(answer)) == (405, "method-not-allowed")
        assert set(answer.headers["allow"].split(", ")) == offered


async def test_head_is_answered_as_get_is(client):
    answer = await client.head(f"/books/{BOOK}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"


async def test_what_answers_by_itself_is_routed_too(client):
    assert (await client.get("/news")).text == "GET news"
    assert (await client.post("/news")).status_code == 405


async def test_a_page_goes_on_where_the_last_one_ended(client, library):
    first = (await client.get("/books?limit=2")).json()
    assert [item["id"] for item in first["items"]] == [str(UUID(int=0)), str(UUID(int=1))]
    assert first["nextCursor"] == cursor_of(UUID(int=1))
    await client.get("/books", params={"cursor": first["nextCursor"]})
    assert library.asked[-1].asked.cursor == UUID(int=1)


@pytest.mark.parametrize("cursor", ["", "garbage", "AAAA", "!" * 22, str(BOOK), "A" * 5000])
async def test_a_cursor_that_is_not_ours_is_refused(client, cursor):
    answer = await client.get("/books", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"path": "cursor", "message": "This cursor does not come from an answer of this API."}
    ]
