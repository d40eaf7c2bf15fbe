"""What verification has to say, and the little it must remember: on disk, so that memory stays small."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from fundline.platform.audit.anchors import Head


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is stable, for programs; `sentence` is for people and names where: an entry, or a row and its column."""

    kind: str
    sentence: str
    stream: str | None = None
    sequence: int | None = None
    table: str | None = None
    column: str | None = None
    row: str | None = None
    """The row's key, its parts with a space between them."""

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "stream": self.stream,
            "sequence": self.sequence,
            "table": self.table,
            "column": self.column,
            "row": self.row,
            "sentence": self.sentence,
        }


class Scratch:
    """A temporary database: up to where the anchors vouch for each stream, and which anchors a log has named."""

    def __init__(self) -> None:
        self._memory = sqlite3.connect("")  # a temporary file that goes with the connection
        self._memory.executescript(
            "pragma journal_mode = off; pragma synchronous = off;"
            "create table marked (stream text primary key, sequence integer not null) without rowid;"
            "create table vouched (stream text primary key, sequence integer not null) without rowid;"
            "create table logged (number integer, hash blob, primary key (number, hash)) without rowid;"
        )

    def vouch(self, heads: Iterable[Head]) -> None:
        self._memory.executemany(
            "insert into vouched values (?, ?) on conflict (stream) do update "
            "set sequence = max(sequence, excluded.sequence)",
            ((head.stream, head.sequence) for head in heads),
        )

    def mark(self, marks: Iterable[tuple[str, int]]) -> None:
        """Up to where the database says that each stream is anchored."""
        self._memory.executemany("insert or replace into marked values (?, ?)", marks)

    def unvouched(self) -> Iterator[tuple[str, int, int]]:
        """(stream, marked up to, vouched up to) where the database claims more than the anchors bear out."""
        yield from self._memory.execute(
            "select stream, marked.sequence, coalesce(vouched.sequence, 0) from marked left join vouched "
            "using (stream) where marked.sequence > coalesce(vouched.sequence, 0) order by stream"
        )

    def remember_logged(self, number: int, hash_: bytes) -> None:
        self._memory.execute("insert or ignore into logged values (?, ?)", (number, hash_))

    def logged(self, number: int) -> list[bytes]:
        rows = self._memory.execute("select hash from logged where number = ?", (number,))
        return [row[0] for row in rows]

    def last_logged(self) -> int:
        return self._memory.execute("select coalesce(max(number), 0) from logged").fetchone()[0] or 0

    def close(self) -> None:
        self._memory.close()
