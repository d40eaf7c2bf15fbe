"""A library: a tiny service whose routes, use cases and answers show what follows from a declaration."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from fundline.contracts.roles import Role
from fundline.platform.database.idempotency import AlreadyAnswered, Once, Rendered
from fundline.platform.http.endpoints import WEBSOCKET, Call, Endpoint, Sealing
from fundline.platform.http.path_values import PathValue
from fundline.platform.http.tokens import Unauthenticated
from fundline.platform.identity import Caller
from fundline.platform.paging import Cursor, Page
from fundline.platform.refusals import Kind, Refusal

BOOK = UUID("019a0c1e-6b54-7c3a-9d2f-4b1f0e6a7c11")


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


def code(answer: httpx.Response) -> str:
    """Of a problem."""
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).removeprefix("urn:fundline:problem:")
