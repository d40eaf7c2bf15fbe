"""Whether the tables hold what the trail says: every edit, deletion and insertion, found by name.

The last entry that names a column of a row says what the row must hold. A stream that began before entries held rows
is compared in what its entries do say, and nobody asks there for the rest. Everything is read page by page in one
snapshot, so that running work makes no difference; what must be remembered is on disk.
"""

import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from fundline.platform.audit.findings import Finding
from fundline.platform.audit.rows import ROWS, Facts, RecordedTable
from fundline.platform.database import Connection, Database
from fundline.records.books import SNAPSHOT
from fundline.records.entry_facts import details_of, facts_of
from fundline.records.recorded_tables import CONFIGURATION_RECORDED, RECORDED

PAGE_STREAMS = 200
PAGE_KEYS = 2000
STREAMS = "select stream from audit_streams where stream > $1 order by stream limit $2"
ENTRIES = """
select stream, sequence, occurred_at, actor, action, reason, details from audit_entries
where stream = any($1::text[]) order by stream, sequence
"""
_BEFORE_THE_FIRST: Mapping[str, Any] = {
    "uuid": "00000000-0000-0000-0000-000000000000",
    "text": "",
    "int": -1,
    "bigint": -1,
}
_GONE = "it was deleted, or its key edited"
_PUT_IN = "it was put in, or its key edited"

Key = tuple[Any, ...]


@dataclass(slots=True)
class _Expected:
    """`rows`: by table and key what the trail says of each row, and in which stream."""

    rows: dict[RecordedTable, dict[Key, tuple[str, Facts]]] = field(default_factory=lambda: defaultdict(dict))
    old_streams: set[str] = field(default_factory=set)


class _Seen:
    """A temporary database: rows that the trail knows, and streams that began before it knew rows."""

    def __init__(self) -> None:
        self._memory = sqlite3.connect("")  # a temporary file that goes with the connection
        self._memory.executescript(
            "pragma journal_mode = off; pragma synchronous = off;"
            "create table recorded (name text, key text, primary key (name, key)) without rowid;"
            "create table old (stream text primary key) without rowid;"
        )

    def remember(self, expected: _Expected) -> None:
        self._memory.executemany(
            "insert or ignore into recorded values (?, ?)",
            ((table.name, _text(key)) for table, rows in expected.rows.items() for key in rows),
        )
        self._memory.executemany(
            "insert or ignore into old values (?)", ((stream,) for stream in expected.old_streams)
        )

    def is_accounted_for(self, table: RecordedTable, key: Key, stream: str | None) -> bool:
        known = (
            "select 1 from recorded where name = ? and key = ? union all select 1 from old where stream = ?"
        )
        return self._memory.execute(known, (table.name, _text(key), stream)).fetchone() is not None

    def close(self) -> None:
        self._memory.close()


async def check_recorded_rows(database: Database) -> AsyncIterator[Finding]:
    """In a snapshot of its own. Raises DatabaseUnavailable."""
    async with database.transaction() as connection:
        await connection.execute(SNAPSHOT)
        async for finding in check_rows(connection):
            yield finding


async def check_rows(connection: Connection) -> AsyncIterator[Finding]:
    """Call in a transaction of one snapshot, see `books.SNAPSHOT`. Raises DatabaseUnavailable."""
    seen = _Seen()
    try:
        after = ""
        while streams := [row["stream"] for row in await connection.fetch(STREAMS, after, PAGE_STREAMS)]:
            expected = _expected(await connection.fetch(ENTRIES, streams))
            seen.remember(expected)
            for table, rows in expected.rows.items():
                for finding in await _compared(connection, table, rows):
                    yield finding
            after = streams[-1]
        for table in RECORDED:
            async for finding in _unrecorded(connection, table, seen):
                yield finding
    finally:
        seen.close()


def _expected(entries: Iterable[Any]) -> _Expected:
    expected = _Expected()
    stream = ""
    for entry in entries:
        details = details_of(entry)
        if entry["stream"] != stream:
            stream = entry["stream"]
            if ROWS not in details:
                expected.old_streams.add(stream)
        if entry["action"] == CONFIGURATION_RECORDED:
            _forget(expected, stream)
        for table, facts in facts_of(entry, details):
            key = table.key_of(facts)
            _, known = expected.rows[table].get(key, (stream, {}))
            expected.rows[table][key] = (stream, known | facts)
    return expected


def _forget(expected: _Expected, stream: str) -> None:
    """Such an entry names every row that there is."""
    for rows in expected.rows.values():
        for key in [key for key, (whose, _) in rows.items() if whose == stream]:
            del rows[key]


async def _compared(
    connection: Connection, table: RecordedTable, expected: Mapping[Key, tuple[str, Facts]]
) -> list[Finding]:
    columns = [list(column) for column in zip(*expected, strict=True)]
    there = {}
    for row in await connection.fetch(table.by_key, *columns):
        facts = table.facts(row)
        there[table.key_of(facts)] = facts
    found = []
    for key, (stream, facts) in expected.items():
        actual = there.get(key)
        if actual is None:
            sentence = f"{table.name} {_name(key)}: the trail has this row, the table has not: {_GONE}."
            found.append(Finding("row_missing", sentence, stream, table=table.name, row=_name(key)))
            continue
        for column in table.columns:
            if column in facts and facts[column] != actual[column]:
                sentence = (
                    f"{table.name}.{column} of {_name(key)}: the trail has {_text_of(facts[column])}, "
                    f"the table has {_text_of(actual[column])}: it was edited."
                )
                found.append(
                    Finding(
                        "column_changed",
                        sentence,
                        stream,
                        table=table.name,
                        column=column,
                        row=_name(key),
                    )
                )
    return found


async def _unrecorded(connection: Connection, table: RecordedTable, seen: _Seen) -> AsyncIterator[Finding]:
    after = tuple(_BEFORE_THE_FIRST[type_] for type_ in table.key.values())
    while rows := await connection.fetch(table.page_of_keys, *after, PAGE_KEYS):
        for row in rows:
            key = table.key_of(table.facts(row))
            if not seen.is_accounted_for(table, key, row["stream"]):
                sentence = f"{table.name} {_name(key)}: no entry of the trail has made this row: {_PUT_IN}."
                yield Finding("row_unrecorded", sentence, row["stream"], table=table.name, row=_name(key))
        after = tuple(rows[-1][name] for name in table.key)


def _text(key: Key) -> str:
    return orjson.dumps(key).decode()


def _name(key: Key) -> str:
    return " ".join(str(part) for part in key)


def _text_of(value: Any) -> str:
    return "nothing" if value is None else str(value)
