"""A declaration that cannot be right is refused when it is made or bound."""

from typing import Any

import pytest

from fundline.platform.http.endpoints import Endpoint, served
from fundline.platform.paging import Page
from support.library import BOOK, FOLLOW, READ, Book, Library, NewBook, Tokens, news


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


async def test_a_path_is_bound_once_per_method():
    tokens, library = Tokens(), Library()
    with pytest.raises(TypeError, match="twice"):
        served(tokens, [READ.by(library.one), READ.by(library.one)])
    with pytest.raises(TypeError, match="twice"):
        served(tokens, [READ.by(library.one), READ.by_app(news)])
    with pytest.raises(TypeError, match="stream"):
        FOLLOW.by(library.one)
