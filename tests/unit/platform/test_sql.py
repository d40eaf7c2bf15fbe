"""SQL with names: each becomes its place, and nothing else in a statement changes, whatever it looks like."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundline.platform.database.sql import BadSql, Sql, WrongNames

NAMES = ("a", "b", "amount_minor", "_x", "at2", "größe")
letters = st.text("ab:$'\"/*-\\ \nE1_", max_size=12)
PLAIN = "select , ( ) 1 x ::int ::text[] := a[1:2] foo$bar$baz e $ @> - / *"
plain = st.sampled_from([*PLAIN.split(), "\n"])


def _nested(inner: str, depth: int) -> str:
    inner = inner.replace("/*", "").replace("*/", "")
    return "/* " * depth + inner.strip("/*") + " */" * depth


untouched = st.one_of(
    letters.map(lambda text: "'" + text.replace("'", "''") + "'"),
    letters.map(lambda text: '"' + text.replace('"', '""') + '"'),
    letters.map(lambda text: "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"),
    letters.map(lambda text: "e'first'\n  '" + text.replace("\\", "\\\\").replace("'", "''") + "\\''"),
    letters.map(lambda text: "--" + text.replace("\n", " ") + "\n"),
    st.builds(_nested, letters, st.integers(1, 3)),
    letters.map(lambda text: "$$" + text.replace("$", "") + "$$"),
    letters.map(lambda text: "$tag$" + text.replace("$tag$", "") + " $tag$"),
    plain,
)
"""Pieces of a statement that have no name in them, however much they look like it."""
pieces = st.lists(untouched | st.sampled_from(NAMES).map(lambda name: (name,)), max_size=12)


@given(pieces)
def test_each_name_becomes_one_place_and_all_else_stays_as_it_is(pieces):
    written, expected, places = "", "", {}
    for piece in pieces:
        if isinstance(piece, tuple):
            place = places.setdefault(piece[0], len(places) + 1)
            written, expected = f"{written} :{piece[0]} ", f"{expected} ${place} "
        else:
            # A space, so that two pieces do not become another one: `-` and `-` would be a comment.
            written, expected = f"{written} {piece} ", f"{expected} {piece} "
    sql = Sql(written)
    assert (sql.text, sql.names) == (expected, tuple(places))


@given(st.lists(st.sampled_from(NAMES), min_size=1))
def test_a_call_gives_the_arguments_in_the_order_of_the_places(names):
    sql = Sql(", ".join(f":{name}::int" for name in names))
    values = {name: f"value of {name}" for name in reversed(NAMES) if name in names}
    text, *arguments = sql(**values)
    filled = re.sub(r"\$(\d+)", lambda place: arguments[int(place[1]) - 1], text)
    assert filled == ", ".join(f"value of {name}::int" for name in names)


@pytest.mark.parametrize(
    ("named", "text"),
    [
        ("select :a::int + :b", "select $1::int + $2"),
        ("select :a, :a, :b, :a", "select $1, $1, $2, $1"),
        ("select ':a', \":a\", :a", "select ':a', \":a\", $1"),
        ("select 'it''s :a', :b", "select 'it''s :a', $1"),
        (r"select E'it\'s :a', :b", r"select E'it\'s :a', $1"),
        (r"select 'C:\', :b, ':a'", r"select 'C:\', $1, ':a'"),
        ("select E'a'\n  '\\':b' , :c", "select E'a'\n  '\\':b' , $1"),
        ("select :a -- :b\n, :c", "select $1 -- :b\n, $2"),
        ("select /* :a /* :b */ :c */ :d", "select /* :a /* :b */ :c */ $1"),
        ("do $$ select :a $$; select :b", "do $$ select :a $$; select $1"),
        ("do $x$ select $$ :a $$ $x$, :b", "do $x$ select $$ :a $$ $x$, $1"),
        ("select foo$x$, :a, bar$x$", "select foo$x$, $1, bar$x$"),
        ("select a[1:2], a[:low : :high]", "select a[1:2], a[$1 : $2]"),
        ("select make_date(year := :year)", "select make_date(year := $1)"),
        ("select data ->> 'a' = any(:keys::text[])", "select data ->> 'a' = any($1::text[])"),
        ("select date':a', U&':a', :a", "select date':a', U&':a', $1"),
        ("select (:a)::text||:b", "select ($1)::text||$2"),
        ("select 1", "select 1"),
        ("", ""),
    ],
)
def test_the_forms_of_sql_that_are_easily_taken_for_a_name(named, text):
    assert Sql(named).text == text


@pytest.mark.parametrize(
    "named",
    [
        "select 'open",
        'select "open',
        r"select E'open\'",
        "select /* open /* */",
        "do $$ open",
        "do $x$ open $$",
    ],
)
def test_what_does_not_end_is_refused_when_the_module_is_read(named):
    with pytest.raises(BadSql, match="does not end: "):
        Sql(named)


def test_names_and_numbers_do_not_stand_in_one_statement():
    with pytest.raises(BadSql, match=r"A statement with names has no numbers: \$1"):
        Sql("select :a, $1")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"a": 1}, "(missing: b)"),
        ({"a": 1, "b": 2, "c": 3}, "(not in it: c)"),
        ({"a": 1, "c": 3}, "(missing: b; not in it: c)"),
        ({}, "(missing: a, b)"),
    ],
)
def test_another_set_of_names_is_an_error_of_the_call_and_says_which(values, sentence):
    with pytest.raises(WrongNames, match=re.escape(f"other names than it has {sentence}.")):
        Sql("select :a, :b")(**values)


def test_one_name_and_no_name_are_called_alike():
    assert Sql("select 1")() == ("select 1",)
    assert Sql("select :ids")(ids=[1, 2]) == ("select $1", [1, 2])
