"""What the API's description says of an endpoint follows from its declaration."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from fundline.contracts.roles import Role
from fundline.manual.openapi import component_schemas
from fundline.manual.openapi_endpoints import models_of, operation_of, paths_of
from fundline.platform.http.endpoints import WEBSOCKET, Endpoint
from fundline.platform.http.path_values import PathValue
from fundline.platform.paging import Cursor, Page
from fundline.platform.refusals import Kind, Refusal


class BookMissing(Refusal):
    kind = Kind.NOT_FOUND
    code = "book-not-found"
    title = "There is no such book"


class BookOut(Refusal):
    kind = Kind.CONFLICT
    code = "book-out"
    title = "Somebody reads it"


class Book(BaseModel):
    """As it stands on the shelf."""

    id: UUID


class NewBook(BaseModel):
    pages: int


class Shelf(BaseModel):
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Cursor | None = None


BOOK_ID = PathValue("id", "The book's id.", missing=BookMissing)
LIST = Endpoint(
    "GET", "/books", "listBooks", "All of them.", "books", takes=Shelf, gives=Page[Book], says="One page."
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
BURN = Endpoint("DELETE", "/books/{id}", "burnBook", "Burn it.", "books", path_values=(BOOK_ID,), gives=Book)
READ = Endpoint(
    "GET",
    "/books/{id}/pages/{page}",
    "readPage",
    "One page.",
    "books",
    roles=(Role.APPLICANT,),
    path_values=(BOOK_ID, PathValue("page", "", schema={"type": "string", "enum": ["first", "last"]})),
    gives=Book,
    refuses=(BookOut,),
)
TALK = Endpoint(
    WEBSOCKET,
    "/talk",
    "talk",
    "Both ways.",
    "books",
    documented={"parameters": [{"name": "Voice"}], "responses": {"101": {"description": "Talking."}}},
)
ALL = (LIST, ADD, BURN, READ, TALK)


def test_a_path_has_all_its_methods_in_order():
    paths = paths_of(ALL)
    assert [(path, list(methods)) for path, methods in paths.items()] == [
        ("/books", ["get", "post"]),
        ("/books/{id}", ["delete"]),
        ("/books/{id}/pages/{page}", ["get"]),
        ("/talk", ["get"]),
    ]


def test_a_write_is_described_with_its_body_key_and_headers():
    described = operation_of(ADD)
    assert described["summary"] == "Add one. Roles: operator, compliance."
    assert described["x-roles"] == ["compliance", "operator"]
    assert [parameter["name"] for parameter in described["parameters"]] == ["Idempotency-Key"]
    body = described["requestBody"]["content"]["application/json"]
    assert body == {"schema": {"$ref": "#/components/schemas/NewBook"}, "example": {"pages": 3}}
    assert list(described["responses"]) == ["201", *map(str, (400, 401, 403, 409, 413, 415, 422, 429, 503))]
    assert set(described["responses"]["201"]["headers"]) == {"Location", "Idempotent-Replayed"}


def test_a_write_without_a_body_can_be_neither_too_large_nor_of_a_wrong_type():
    described = operation_of(BURN)
    assert "requestBody" not in described
    assert list(described["responses"]) == ["200", *map(str, (400, 401, 404, 409, 422, 429, 503))]


def test_a_read_is_described_with_its_query():
    described = operation_of(LIST)
    assert "x-roles" not in described
    limit, cursor = described["parameters"]
    assert limit == {
        "name": "limit",
        "in": "query",
        "required": False,
        "schema": {"default": 20, "maximum": 100, "minimum": 1, "type": "integer"},
    }
    assert (cursor["name"], cursor["schema"]) == ("cursor", {"type": "string", "maxLength": 64})
    assert list(described["responses"]) == ["200", "401", "422", "429", "503"]
    assert described["responses"]["200"]["description"] == "One page."


def test_parts_of_the_path_are_parameters():
    described = operation_of(READ)
    assert described["summary"] == "One page. Role: applicant."
    assert described["parameters"] == [
        {
            "name": "id",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
            "description": "The book's id.",
        },
        {
            "name": "page",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "enum": ["first", "last"]},
        },
    ]
    assert list(described["responses"]) == ["200", "401", "403", "404", "409", "429", "503"]


def test_a_stream_says_itself_what_it_answers():
    described = operation_of(TALK)
    assert described["parameters"] == [{"name": "Voice"}]
    assert list(described["responses"]) == ["101", "401", "429", "503"]
    assert {"access_token": []} in described["security"]


def test_models_are_schemas_under_the_names_of_their_classes():
    assert models_of(ALL) == [
        (Page[Book], "serialization"),
        (NewBook, "validation"),
        (Book, "serialization"),
    ]
    schemas = component_schemas(ALL)
    assert {"BookPage", "Book", "NewBook"} <= set(schemas)
    page = schemas["BookPage"]
    assert page["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Book"}
    assert page["required"] == ["items", "nextCursor"]
    assert page["title"] == "BookPage"
