"""Verifying the anchors: their own chain and signatures, that every head they name is in the database, and the log."""

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import orjson

from fundline.platform.audit.anchor_file import anchor_files
from fundline.platform.audit.anchors import (
    BEFORE_THE_FIRST_LINE,
    Anchor,
    AnchorKeys,
    BadAnchor,
    Head,
    line_hash,
    read_anchor,
)
from fundline.platform.audit.chains import Counted
from fundline.platform.audit.findings import Finding, Scratch
from fundline.platform.database import Database

HEADS_THAT_DIFFER = """
select a.stream, a.sequence, e.hash is null as missing
from unnest($1::text[], $2::int[], $3::bytea[]) as a (stream, sequence, hash)
left join audit_entries e on e.stream = a.stream and e.sequence = a.sequence
where e.hash is distinct from a.hash
"""
LOG_EVENT = b'"message":"audit.anchored"'


def read_logs(logs: Iterable[Path], scratch: Scratch) -> None:
    """Remember every anchor that the logs name."""
    for path in logs:
        with path.open("rb") as file:
            for line in file:
                if LOG_EVENT not in line:
                    continue
                try:
                    event = orjson.loads(line)
                    scratch.remember_logged(
                        int(event["fundline.number"]), bytes.fromhex(event["fundline.hash"])
                    )
                except (ValueError, KeyError, TypeError):
                    continue  # a line that a crash has torn


async def check_anchors(
    database: Database, path: Path, keys: AnchorKeys, scratch: Scratch, counted: Counted
) -> AsyncIterator[Finding]:
    """Compares with the marks and the log that `scratch` holds: both must have been read before the file is."""
    number, previous = 0, BEFORE_THE_FIRST_LINE
    for where, line, is_whole in _lines(path):
        if not is_whole:
            continue  # being written now, or torn by a crash: nobody relies on it, and its heads are anchored again
        try:
            anchor, content, signature = read_anchor(line)
        except BadAnchor as error:
            yield Finding("anchor_changed", f"{where} is not an anchor: {error}.")
            number, previous = number + 1, line_hash(line)
            continue
        counted.anchors += 1
        for finding in _own_faults(where, line, anchor, number, previous, scratch):
            yield finding
        number, previous = anchor.number, line_hash(line)
        if not keys.is_signed(content, signature, anchor.key_id):
            yield Finding(
                "anchor_signature", f"{where}: anchor {anchor.number} is not signed by a key of ours."
            )
            continue
        scratch.vouch(anchor.heads)
        for finding in await _missing_heads(database, anchor.number, anchor.heads):
            yield finding
    if (logged := scratch.last_logged()) > number:
        yield Finding(
            "anchor_missing",
            f"The log names anchor {logged}, the file ends with {number}: its end was cut off.",
        )
    for stream, marked, vouched in scratch.unvouched():
        sentence = (
            f"{stream}: the database says it is anchored up to {marked}, the anchors vouch for {vouched}: "
            "the anchor file was cut, or the mark is forged."
        )
        yield Finding("anchor_missing", sentence, stream, marked)


def _own_faults(
    where: str, line: bytes, anchor: Anchor, number: int, previous: bytes, scratch: Scratch
) -> Iterator[Finding]:
    if anchor.number != number + 1:
        sentence = f"{where}: anchor {anchor.number} follows anchor {number}; those between are missing."
        yield Finding("anchor_missing", sentence)
    elif anchor.previous != previous:
        sentence = f"{where}: anchor {anchor.number} names another line before it than is there."
        yield Finding("anchor_changed", sentence)
    logged = scratch.logged(anchor.number)
    if logged and line_hash(line) not in logged:
        yield Finding("anchor_changed", f"{where}: the log has another hash for anchor {anchor.number}.")


async def _missing_heads(database: Database, number: int, heads: Sequence[Head]) -> list[Finding]:
    rows = await database.fetch(
        HEADS_THAT_DIFFER,
        [head.stream for head in heads],
        [head.sequence for head in heads],
        [head.hash for head in heads],
    )
    found = []
    for row in rows:
        stream, sequence = row["stream"], row["sequence"]
        what = "is gone" if row["missing"] else "has another hash"
        sentence = f"{stream}: entry {sequence} was anchored (number {number}) and {what} in the database."
        kind = "anchored_entry_missing" if row["missing"] else "anchored_entry_changed"
        found.append(Finding(kind, sentence, stream, sequence))
    return found


def _lines(path: Path) -> Iterator[tuple[str, bytes, bool]]:
    """(where, line without its end, whether it has one), over all files in order, also while one is renamed."""
    current = _opened(path)
    try:
        held = None if current is None else _identity(current)
        for file in anchor_files(path):
            with file.open("rb") as stream:
                if file != path and _identity(stream) != held:
                    yield from _lines_of(file.name, stream)
        if current is not None:
            yield from _lines_of(path.name, current)
    finally:
        if current is not None:
            current.close()


def _lines_of(name: str, stream: BinaryIO) -> Iterator[tuple[str, bytes, bool]]:
    for place, line in enumerate(stream, start=1):
        yield f"{name} line {place}", line.removesuffix(b"\n"), line.endswith(b"\n")


def _identity(stream: BinaryIO) -> tuple[int, int]:
    status = os.fstat(stream.fileno())
    return status.st_dev, status.st_ino


def _opened(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except FileNotFoundError:
        return None
