"""Promise 22: any edit, deletion or truncation of the audit trail is found, by whomever it was done.

Here it is a superuser of the database whom no trigger stops, and who may know how the chain is made.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from fundline.platform.audit.anchors import line_hash
from support.audit import Trail, foreign_line

STREAM = "application:1"
Spoil = Callable[[Trail], Awaitable[None]]


def sql(statement: str, *, forged: bool = False) -> Spoil:
    """Run as superuser; `forged`: then make every hash of the stream again."""

    async def spoil(trail: Trail) -> None:
        await trail.superuser.execute(statement)
        if forged:
            await trail.forge(STREAM)

    return spoil


EDIT = "update audit_entries set reason = 'another' where stream = 'application:1' and sequence = 2"
RENUMBER = "update audit_entries set sequence = sequence - 1 where stream = 'application:1' and sequence > 2"
DELETE = "delete from audit_entries where stream = 'application:1' and sequence = 2"
CUT = "delete from audit_entries where stream = 'application:1' and sequence = 4"
EXCHANGE = """
update audit_entries set sequence = -1 where stream = 'application:1' and sequence = 2;
update audit_entries set sequence = 2 where stream = 'application:1' and sequence = 3;
update audit_entries set sequence = 3 where stream = 'application:1' and sequence = -1
"""
PUT_IN = """
update audit_entries set sequence = sequence + 100 where stream = 'application:1' and sequence > 2;
update audit_entries set sequence = sequence - 99 where stream = 'application:1' and sequence > 100;
insert into audit_entries select stream, 3, occurred_at, actor, action, 'put in', details, evidence_hash, hash
from audit_entries where stream = 'application:1' and sequence = 2
"""
APPEND = """
insert into audit_entries select stream, 5, occurred_at, actor, action, 'put behind', details, evidence_hash,
    sha256('made up') from audit_entries where stream = 'application:1' and sequence = 4
"""
LOSE_STREAM = """
delete from audit_entries where stream = 'application:1'; delete from audit_streams where stream = 'application:1'
"""

SPOILED: dict[str, tuple[Spoil, str]] = {
    "an edited entry": (sql(EDIT), "entry_changed"),
    "an edited entry in a chain made anew": (sql(EDIT, forged=True), "anchored_entry_changed"),
    "an edited time": (sql(EDIT.replace("reason = 'another'", "occurred_at = now()")), "entry_changed"),
    "an edited actor": (sql(EDIT.replace("reason", "actor")), "entry_changed"),
    "an edited action": (sql(EDIT.replace("reason", "action")), "entry_changed"),
    "edited details": (sql(EDIT.replace("reason", "details")), "entry_changed"),
    "another evidence hash": (
        sql(EDIT.replace("reason = 'another'", "evidence_hash = null")),
        "entry_changed",
    ),
    "a deleted entry": (sql(DELETE), "entry_missing"),
    "a deleted entry in a chain made anew": (
        sql(f"{DELETE}; {RENUMBER}", forged=True),
        "anchored_entry_missing",
    ),
    "a cut tail": (sql(CUT), "tail_missing"),
    "a cut tail with its head moved back": (sql(CUT, forged=True), "anchored_entry_missing"),
    "exchanged entries": (sql(EXCHANGE), "entry_changed"),
    "exchanged entries in a chain made anew": (sql(EXCHANGE, forged=True), "anchored_entry_changed"),
    "an entry put in": (sql(PUT_IN), "entry_changed"),
    "an entry put in, in a chain made anew": (sql(PUT_IN, forged=True), "anchored_entry_changed"),
    "an entry put behind the head": (sql(APPEND), "head_behind"),
    "an entry with a made-up hash": (sql(APPEND), "entry_changed"),
    "a replaced head": (
        sql("update audit_streams set hash = sha256('x') where stream = 'application:1'"),
        "head_changed",
    ),
    "a head moved back": (
        sql("update audit_streams set sequence = 3 where stream = 'application:1'"),
        "head_behind",
    ),
    "a deleted head": (sql("delete from audit_streams where stream = 'application:1'"), "head_missing"),
    "a deleted stream": (sql(LOSE_STREAM), "anchored_entry_missing"),
    "emptied entries": (sql("truncate audit_entries"), "tail_missing"),
    "an emptied trail": (sql("truncate audit_entries, audit_streams"), "anchored_entry_missing"),
    "a forged mark": (
        sql("update audit_streams set anchored_sequence = 99 where stream = 'application:1'"),
        "anchor_missing",
    ),
}


@pytest.mark.parametrize("what", SPOILED)
async def test_whatever_a_superuser_does_to_the_trail_is_found_and_named(trail, what):
    spoil, kind = SPOILED[what]
    await spoil(trail)
    found = [finding for finding in await trail.findings() if finding.kind == kind]
    assert any(finding.stream == STREAM for finding in found)
    assert all(STREAM in finding.sentence for finding in found if finding.stream == STREAM)


def lines(trail: Trail) -> list[bytes]:
    return trail.anchor_file.read_bytes().splitlines(keepends=True)


async def test_an_edited_anchor_is_found(trail):
    trail.anchor_file.write_bytes(trail.anchor_file.read_bytes().replace(b'["keys",2,', b'["keys",1,'))
    assert await trail.kinds() >= {"anchor_signature", "anchor_changed"}


async def test_a_cut_anchor_file_is_found(trail):
    trail.anchor_file.write_bytes(lines(trail)[0])
    assert await trail.kinds() == {"anchor_missing"}


async def test_a_lost_anchor_file_is_found(trail):
    trail.anchor_file.unlink()
    assert await trail.kinds() == {"anchor_missing"}


async def test_an_anchor_taken_out_of_the_middle_is_found(trail):
    trail.anchor_file.write_bytes(lines(trail)[1])
    assert "anchor_missing" in await trail.kinds()


async def test_an_anchor_signed_by_another_key_is_found(trail, tmp_path):
    first, second = lines(trail)
    heads = []
    trail.anchor_file.write_bytes(first + second + foreign_line(3, line_hash(second[:-1]), heads, tmp_path))
    assert await trail.kinds() == {"anchor_signature"}


async def test_a_trail_cut_together_with_its_anchors_is_found_by_the_log(trail, tmp_path):
    """The database, its marks and the file all say the same; only the log of the anchoring process disagrees."""
    log = tmp_path / "event-router-1.log"
    log.write_text(f'{{"message":"audit.anchored","fundline.number":2,"fundline.hash":"{"00" * 32}"}}\n')
    await trail.superuser.execute("delete from audit_entries where sequence > 2")
    for stream in ("application:1", "application:2", "keys"):
        await trail.forge(stream)
    trail.anchor_file.write_bytes(lines(trail)[0])
    assert await trail.findings() == []
    trail.logs.append(log)
    assert await trail.kinds() == {"anchor_missing"}


async def test_an_entry_that_nobody_anchors_is_found_after_a_while(trail):
    await trail.write(STREAM, "a.resumed")
    assert await trail.findings() == []
    found = await trail.findings(now=datetime.now(UTC) + timedelta(minutes=2))
    assert [(finding.kind, finding.stream, finding.sequence) for finding in found] == [
        ("unanchored", STREAM, 5)
    ]
