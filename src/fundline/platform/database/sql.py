"""SQL with names: `:name` in a statement, put into `$1…` once when the module is read.

    BEGIN = Sql("insert into notes (note_id, text, noted_at) values (:note_id, :text, :at)")
    await connection.execute(*BEGIN(note_id=note_id, text=text, at=at))

A name is a letter or `_`, then letters, digits and `_`, directly behind one colon. Literals, quoted identifiers,
comments, dollar quotes and casts (`::text`) stay as they are. A slice of an array whose bound is a column has a space
behind the colon, `a[low : high]`, since `:high` is a name.
"""

import re
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

_NEXT = re.compile(
    r"""
    --[^\r\n]*
  | ::
  | (?P<comment>/\*)
  | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
  | (?P<escaped>[eE]')
  | (?P<quoted>['"])
  | (?P<place>\$\d+)
  | [^\W\d][\w$]*                       # a word: a `$` inside it begins nothing
  | :(?P<name>[^\W\d]\w*)
    """,
    re.VERBOSE,
)
_IN_COMMENT = re.compile(r"/\*|\*/")
_STRING = re.compile(r"'(?:[^']|'')*'")
_IDENTIFIER = re.compile(r'"(?:[^"]|"")*"')
_ESCAPED = re.compile(r"[eE]'(?:[^'\\]|\\.|'')*'(?:\s*[\r\n]\s*'(?:[^'\\]|\\.|'')*')*", re.DOTALL)
"""The parts of one literal may stand on several lines, and all of them have the escapes of the first.
Source: PostgreSQL 18, 4.1.2.1 and 4.1.2.2."""


class BadSql(ValueError):
    """A statement that cannot be put into `$1…`: our mistake, found when the module is read."""


class WrongNames(TypeError):
    """A call gives other names than the statement has."""


class Sql:
    """One statement. Called with a value for each name it gives what the driver takes: text, then arguments in order.

    `named` is the statement as it was written, `text` as the driver gets it, `names` in the order of the arguments.
    Raises BadSql.
    """

    __slots__ = ("_ordered", "named", "names", "text")

    def __init__(self, named: str) -> None:
        self.named = named
        self.text, self.names = _translated(named)
        self._ordered = _ordering(self.names)

    def __call__(self, **values: Any) -> tuple[Any, ...]:
        """Raises WrongNames when a name has no value, or a value no name."""
        if len(values) != len(self.names):
            raise self._wrong(values)
        try:
            return (self.text, *self._ordered(values))
        except KeyError:
            raise self._wrong(values) from None

    def _wrong(self, values: Mapping[str, Any]) -> WrongNames:
        missing = [name for name in self.names if name not in values]
        surplus = [name for name in values if name not in self.names]
        parts = [
            f"{what}: {', '.join(names)}"
            for what, names in (("missing", missing), ("not in it", surplus))
            if names
        ]
        return WrongNames(f"A statement was called with other names than it has ({'; '.join(parts)}).")

    def __repr__(self) -> str:
        return f"Sql({' '.join(self.named.split())[:60]!r})"


def _ordering(names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple(values[name] for name in names)


def _translated(named: str) -> tuple[str, tuple[str, ...]]:
    places: dict[str, int] = {}
    parts: list[str] = []
    copied = at = 0
    while (found := _NEXT.search(named, at)) is not None:
        at = _end(named, found)
        if found["place"] is not None:
            raise BadSql(f"A statement with names has no numbers: {_near(named, found.start())}")
        name = found["name"]
        if name is not None:
            place = places.setdefault(name, len(places) + 1)
            parts += [named[copied : found.start()], f"${place}"]
            copied = at
    return "".join([*parts, named[copied:]]), tuple(places)


def _end(named: str, found: "re.Match[str]") -> int:
    """Where the thing that begins here ends. Raises BadSql when it does not."""
    begin = found.start()
    if found["comment"] is not None:
        return _end_of_comment(named, begin)
    if found["dollar"] is not None:
        end = named.find(found["dollar"], found.end())
        return _ended(named, begin, None if end < 0 else end + len(found["dollar"]))
    for kind, form in (("escaped", _ESCAPED), ("quoted", _STRING if found["quoted"] == "'" else _IDENTIFIER)):
        if found[kind] is not None:
            whole = form.match(named, begin)
            return _ended(named, begin, None if whole is None else whole.end())
    return found.end()


def _end_of_comment(named: str, begin: int) -> int:
    """Comments nest."""
    depth = 0
    for mark in _IN_COMMENT.finditer(named, begin):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return _ended(named, begin, None)


def _ended(named: str, begin: int, end: int | None) -> int:
    if end is None:
        raise BadSql(f"A quote or comment of a statement does not end: {_near(named, begin)}")
    return end


def _near(named: str, at: int) -> str:
    return named[at : at + 40].strip()
