"""Rows in the trail: an entry says what the rows that it is about hold, so that an edit of a row is found by name.

`rows` of an entry's details is, by table, a list of rows, each its columns by name. A value that is long, or that not
everybody who may read the trail should see, stands there as a digest.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol
from uuid import UUID

from fundline.contracts.payloads import iso_utc

ROWS = "rows"
"""The field of an entry's details."""
LONGEST_TEXT = 100
_DIGEST_BYTES = 16

Facts = dict[str, Any]
Rows = dict[str, list[Facts]]


class Reads(Protocol):
    async def fetch(self, sql: str, /, *arguments: Any) -> Sequence[Any]: ...


@dataclass(frozen=True, eq=False)
class RecordedTable:
    """A table whose rows the trail holds.

    `key` is its primary key: columns with their types. `columns` are the others that are recorded; of them `json`
    are compared as documents, and `hidden` always stand as a digest. `stream` is SQL for the stream of a row `t`;
    `joins` is what that needs.
    """

    name: str
    key: Mapping[str, str]
    columns: tuple[str, ...]
    stream: str
    joins: str = ""
    json: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    @cached_property
    def select(self) -> str:
        names = ", ".join(f"t.{name}" for name in (*self.key, *self.columns))
        return f"select {names} from {self.name} t "  # noqa: S608 - our own names

    @cached_property
    def by_key(self) -> str:
        """Takes an array for each column of the key."""
        arrays = ", ".join(f"${place}::{type_}[]" for place, type_ in enumerate(self.key.values(), start=1))
        return f"{self.select} where ({self._keys()}) in (select * from unnest({arrays}))"  # noqa: S608 - our own names

    @cached_property
    def page_of_keys(self) -> str:
        """Takes the key behind which to begin, and how many."""
        after = ", ".join(f"${place}::{type_}" for place, type_ in enumerate(self.key.values(), start=1))
        return (
            f"select {self._keys()}, {self.stream} as stream from {self.name} t {self.joins} "  # noqa: S608 - our own names
            f"where ({self._keys()}) > ({after}) order by {self._keys()} limit ${len(self.key) + 1}"
        )

    def facts(self, row: Any) -> Facts:
        """Of a row as the driver reads it, or as it was given to the driver; only the columns it has."""
        return {name: self._fact(name, row[name]) for name in (*self.key, *self.columns) if name in row}

    def key_of(self, facts: Mapping[str, Any]) -> tuple[Any, ...]:
        """Raises KeyError."""
        return tuple(facts[name] for name in self.key)

    def _fact(self, name: str, value: Any) -> Any:
        if value is None:
            return None
        if name in self.json:
            return _digest(_canonical(value).encode())
        if name in self.hidden and isinstance(value, str):
            return _digest(value.encode())
        return _plain(value)

    def _keys(self) -> str:
        return ", ".join(f"t.{name}" for name in self.key)


def merged(*several: Rows) -> Rows:
    every: Rows = {}
    for rows in several:
        for table, facts in rows.items():
            every.setdefault(table, []).extend(facts)
    return every


async def read_rows(connection: Reads, table: RecordedTable, *keys: Sequence[Any]) -> Rows:
    """What the rows with these keys hold now, in the caller's transaction: call it after the row was written."""
    columns = [list(column) for column in zip(*keys, strict=True)]
    rows = await connection.fetch(table.by_key, *columns)
    return {table.name: [table.facts(row) for row in rows]}


def rows_of(table: RecordedTable, written: Iterable[Mapping[str, Any]]) -> Rows:
    """Rows as they were just written, without asking the database."""
    return {table.name: [table.facts(row) for row in written]}


def _plain(value: Any) -> Any:
    match value:
        case bool() | int():
            return value
        case str():
            plain = value if len(value) <= LONGEST_TEXT else _digest(value.encode())
        case bytes():
            plain = _digest(value)
        case datetime():
            plain = iso_utc(value)
        case Decimal():
            plain = format(value, "f")
        case UUID() | timedelta():
            plain = str(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no form in the trail")
    return plain


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).digest()[:_DIGEST_BYTES].hex()}"


def _canonical(document: Any) -> str:
    """The same for each way to write a document: jsonb keeps neither spaces, order, nor how a number was written."""
    parsed = json.loads(document, parse_float=Decimal, parse_int=Decimal)
    return json.dumps(parsed, sort_keys=True, default=_number)


def _number(value: Decimal) -> list[str]:
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    stripped = text.rstrip("0")
    if not stripped:
        return ["0"]
    return [f"{'-' if sign else ''}{stripped}e{int(exponent) + len(text) - len(stripped)}"]
