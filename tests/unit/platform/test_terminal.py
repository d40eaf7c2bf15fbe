"""Nothing that somebody else has written moves the cursor of a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundline.platform.terminal import escaped, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\rb", "a\\rb"),
        ("a\x00b", "a\\x00b"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("\u2028", "\\u2028"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("Zoë 李雷 می\u200cخواهم 👩\u200d🌾", "Zoë 李雷 می\u200cخواهم 👩\u200d🌾"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_moves_a_cursor_or_turns_the_direction_is_shown_as_its_escape(text, shown):
    assert escaped(text) == shown


@given(st.text(st.characters(codec=None)))
def test_no_control_character_is_left(text):
    left = {character for character in escaped(text) if ord(character) < 32 or 127 <= ord(character) < 160}
    assert left <= {"\n", "\t"}
    assert not {"\n", "\t"} & set(one_line(text))
    assert escaped(escaped(text)) == escaped(text)
