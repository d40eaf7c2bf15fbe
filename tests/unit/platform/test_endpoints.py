"""A tiny service: what follows from a declaration, without an engine."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from fundline.contracts.roles import Role
from fundline.platform.database.idempotency import AlreadyAnswered, Once, Rendered
from fundline.platform.http.api import api
from fundline.platform.http.endpoints import (
    WEBSOCKET,
    Bound,
    BoundApp,
    Call,
    Endpoint,
    PathValue,
    Sealing,
    served,
)
from fundline.platform.http.tokens import Unauthenticated
from fundline.platform.identity import Caller
from fundline.platform.paging import Cursor, Page, cursor_of
from fundline.platform.refusals import Kind, Refusal

BOOK = UUID("019a0c1e-6b54-7c3a-9d2f-4b1f0e6a7c11")
JSON = {"content-type": "application/json"}


class BookMissing(Refusal):
    kind = Kind.NOT_FOUND
    code = "book-not-found"
    title = "There is no such book"

    def __init__(self) -> None:
        super().__init__("No book with this id is visible to you.")


class Book(BaseModel):
    id: UUID
    page_count: int = Field(serialization_alias="pageCount")
    subtitle: str | None = None


class NewBook(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pages: int


class Shelf(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = 20
    cursor: Cursor | None = None


BOOK_ID = PathValue("id", "The book's id.", missing=BookMissing)
LIST: Endpoint[Shelf, Page[Book]] = Endpoint(
    "GET", "/books", "listBooks", "All.", "books", takes=Shelf, gives=Page[Book]
)
ADD = Endpoint(
    "POST",
    "/books",
    "addBook",
    "Add one.",
    "books",
    roles=(Role.OPERATOR, Role.COMPLIANCE),
    takes=NewBook,
    gives=Book,
    status=201,
    example={"pages": 3},
    location="/books/{id}",
)
READ = Endpoint("GET", "/books/{id}", "readBook", "One.", "books", path_values=(BOOK_ID,), gives=Book)
BURN = Endpoint("DELETE", "/books/{id}", "burnBook", "Burn it.", "books", path_values=(BOOK_ID,), gives=Book)
OPEN = Endpoint(
    "POST",
    "/books/{id}/open",
    "openBook",
    "Shows what is inside.",
    "books",
    path_values=(BOOK_ID,),
    gives=Book,
    shows_a_secret=True,
)
FOLLOW = Endpoint("GET", "/news", "followNews", "As they come.", "books")
TALK = Endpoint(WEBSOCKET, "/talk", "talk", "Both ways.", "books")


class Tokens:
    """The token is the caller's role."""

    def caller(self, connection: Any, *, allow_query: bool = False) -> Caller:
        role = connection.headers.get("authorization")
        if role is None:
            raise Unauthenticated("Send a token.")
        return Caller(f"{role}-1", Role(role))


@dataclass
class Library:
    """Keeps answers by key, as the database would."""

    kept: dict[str, Rendered] = field(default_factory=dict)
    asked: list[Call[Any, Any]] = field(default_factory=list)

    async def shelf(self, call: Call[Shelf, Page[Book]]) -> Page[Book]:
        self.asked.append(call)
        rows = [UUID(int=number) for number in range(call.asked.limit + 1)]
        return Page[Book].of(
            rows, call.asked.limit, show=lambda row: Book(id=row, page_count=1), id_of=lambda row: row
        )

    async def one(self, call: Call[Any, Book]) -> Book:
        self.asked.append(call)
        return Book(id=call.path["id"], page_count=3)

    async def write(self, call: Call[Any, Book]) -> Book:
        self.asked.append(call)
        once: Once[Book] = call.once
        if once.key.key in self.kept:
            raise AlreadyAnswered(self.kept[once.key.key])
        if once.key.key == "refused":
            self.kept[once.key.key] = once.render_refusal(BookMissing())
            raise BookMissing
        book = Book(id=call.path.get("id", BOOK), page_count=3)
        self.kept[once.key.key] = once.render(book)
        return book


async def news(request: Request) -> Response:
    return Response(f"{request.method} news")


async def talk(scope: Scope, receive: Receive, send: Send) -> None:
    socket = WebSocket(scope, receive, send)
    await socket.accept()
    await socket.close()


SEALING: Sealing[Book] = Sealing(
    seal=lambda book: book.model_copy(update={"subtitle": "sealed"}),
    open=lambda body: body.replace(b'"sealed"', b"null"),
)


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


def code(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()["type"].removeprefix("urn:fundline:problem:")


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


def test_the_last_page_has_no_cursor():
    page = Page[Book].of([BOOK], 1, show=lambda row: Book(id=row, page_count=1), id_of=lambda row: row)
    assert page.next_cursor is None
    assert Page[Book].__name__ == "BookPage"


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "FETCH"},
        {"path": "/books/{id}"},
        {"location": "/books/{title}"},
        {"location": "/books/{page_count}"},
        {"example": None},
        {"takes": None},
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(wrong):
    good: dict[str, Any] = {
        "method": "POST",
        "path": "/books",
        "name": "addBook",
        "summary": "Add one.",
        "tag": "books",
        "takes": NewBook,
        "gives": Book,
        "example": {"pages": 3},
    }
    Endpoint(**good)
    with pytest.raises(TypeError):
        Endpoint(**(good | wrong))


async def test_a_path_is_bound_once_per_method(library):
    tokens: Any = Tokens()
    with pytest.raises(TypeError, match="twice"):
        served(tokens, [READ.by(library.one), READ.by(library.one)])
    with pytest.raises(TypeError, match="twice"):
        served(tokens, [READ.by(library.one), READ.by_app(news)])
    with pytest.raises(TypeError, match="stream"):
        FOLLOW.by(library.one)
