"""One type for all that people write: what it keeps, what it refuses, and that a length is that of what is stored."""

import unicodedata
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from fundline.platform.texts import Line, has_control, is_seen

PERSIAN = "نمی\u200cخواهم"
SINHALA = "ශ්\u200dරී ලංකා"
FAMILY = "Cakes \U0001f469\u200d\U0001f373 and more"


class Named(BaseModel):
    name: Annotated[str, Line(1, 20)]


class Noted(BaseModel):
    note: Annotated[str, Line(0, 20)] = ""


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("  Harbor   Street\u00a0Bakery ", "Harbor Street Bakery"),
        ("Cafe\u0301", "Café"),
        (PERSIAN, PERSIAN),
        (SINHALA, SINHALA),
        (FAMILY, FAMILY),
        ("Bakery\u200d", "Bakery"),
        ("\u200cBakery \u200d Ltd", "Bakery Ltd"),
        ("Ba\u200d\u200dkery", "Ba\u200dkery"),
        ("e\u0301" * 20, "é" * 20),
        ("a" + " " * 500 + "b", "a b"),
    ],
)
def test_what_is_stored(written, stored):
    assert Named(name=written).name == stored


@pytest.mark.parametrize(
    "written",
    [
        "", "   ", "\u200d", "\u200c \u200d", "\u3164", "\u2800\u2800", "\u0301", "\ufe0f",
        "a\x00b", "a\x1b[2Jb", "a\nb", "a\tb", "a\x7fb", "a\x9bb", "a\u202eb", "a\u2066b", "\ufeffa",
        "a\u00adb", "a\ue000b",
        "a" * 21, "ab" * 11,
    ],
)  # fmt: skip
def test_what_is_refused(written):
    with pytest.raises(ValidationError):
        Named(name=written)


def test_a_note_may_be_empty():
    assert (Noted(note="").note, Noted(note=" \u200d ").note) == ("", "")


@given(st.text(max_size=60))
def test_whatever_is_stored_is_one_composed_line_that_shows_something(written):
    try:
        stored = Named(name=written).name
    except ValidationError:
        return
    assert 1 <= len(stored) <= 20
    assert stored == stored.strip() == unicodedata.normalize("NFC", stored)
    assert is_seen(stored)
    assert not has_control(stored)
    assert Named(name=stored).name == stored
