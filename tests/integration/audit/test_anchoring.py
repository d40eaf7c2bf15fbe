import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from fundline.platform.audit.anchors import read_anchor
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import utc_now
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.event_router.anchoring import Anchoring, AnchorSettings
from support.audit import write_audit_key
from support.small_disk import small_disk


async def test_a_round_anchors_every_stream_that_grew_and_then_none(trail):
    await trail.write("application:1", "a.resumed")
    await trail.write("application:9", "a.began")
    assert await trail.anchor() == 2
    assert await trail.anchor() == 0
    last = trail.anchor_file.read_bytes().splitlines()[-1]
    heads = {(head.stream, head.sequence) for head in read_anchor(last)[0].heads}
    assert heads == {("application:1", 5), ("application:9", 1)}


async def test_a_crash_after_the_line_and_before_the_mark_only_anchors_the_same_again(trail):
    await trail.superuser.execute("update audit_streams set anchored_sequence = 0")
    assert await trail.anchor() == 4
    assert await trail.findings() == []


async def test_a_stream_that_is_being_written_to_holds_nobody_up_and_is_anchored_later(trail):
    async with trail.database.transaction() as connection:
        await record(connection, AuditEntry("keys", "tests", "a.resumed", utc_now()))
        await trail.write("application:1", "a.resumed")
        assert await trail.anchor() == 1
    assert await trail.anchor() == 1
    assert await trail.findings() == []


async def test_writers_of_one_stream_follow_each_other_without_a_gap(trail):
    await asyncio.gather(*(trail.write("keys", "a.one", "a.two") for _ in range(10)))
    await trail.anchor()
    assert await trail.findings() == []


async def test_the_processes_may_neither_edit_nor_delete_entries(trail):
    may = "select has_table_privilege('audit_entries', 'update, delete, truncate')"
    assert await trail.database.fetch(may) == [(False,)]


async def test_a_broken_anchor_file_opens_a_case_once(trail):
    trail.anchor_file.write_bytes(trail.anchor_file.read_bytes() + b"hello\n")
    await trail.write("keys", "a.resumed")
    stop = asyncio.Event()
    running = asyncio.create_task(trail.anchoring.run(stop))
    async with asyncio.timeout(20):
        while not (cases := await trail.database.fetch("select kind, state, summary from cases")):
            await asyncio.sleep(0.05)
    stop.set()
    await running
    assert [(case["kind"], case["state"]) for case in cases] == [("audit_broken", "open")]


CASES = "select subject, state, summary from cases where kind = 'audit_broken'"
WAITING = "select count(*) from audit_streams where anchored_sequence < sequence"


@asynccontextmanager
async def anchoring(trail, database_url, **changed) -> AsyncIterator[Metrics]:
    """A router's anchoring of its own, running, with a disk that may take a second."""
    metrics, stop = Metrics(CollectorRegistry()), asyncio.Event()
    files = {"audit_key_file": trail.key_file, "audit_anchor_file": trail.anchor_file} | changed
    settings = AnchorSettings(database_url=database_url, audit_anchor_every_s=0.05, **files)
    running = asyncio.create_task(Anchoring(settings, trail.database, metrics, disk_s=1).run(stop))
    try:
        yield metrics
        assert not running.done(), "it has ended"
    finally:
        stop.set()
        await running


async def until(trail, statement: str, fits: Callable[["list[asyncpg.Record]"], bool]) -> None:
    async with asyncio.timeout(30):
        while not fits(rows := await trail.database.fetch(statement)):
            await asyncio.sleep(0.05)
    assert rows


def failures(metrics: Metrics, cause: str) -> float:
    return metrics.registry.get_sample_value("fundline_audit_anchor_failures_total", {"cause": cause}) or 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda key: key.unlink(),
        lambda key: key.write_text("no key"),
        lambda key: key.write_text('{"keys": 5}'),
        lambda key: key.write_text('{"kty": "OKP", "crv": "Ed25519", "x": "short"}'),
        lambda key: (key.unlink(), key.mkdir()),
    ],
    ids=["missing", "not JSON", "of another form", "cut off", "a folder"],
)
async def test_without_its_key_nothing_is_anchored_but_somebody_is_called_until_the_key_is_back(
    trail, database_url, tmp_path, spoil
):
    """Incident: a key file that was gone kept the router from starting, and no event moved any more."""
    key_file = write_audit_key(tmp_path / "own.jwk")
    key, anchors = key_file.read_bytes(), tmp_path / "own" / "anchors.jsonl"
    spoil(key_file)
    await trail.write("keys", "a.resumed")
    async with anchoring(trail, database_url, audit_key_file=key_file, audit_anchor_file=anchors) as metrics:
        await until(
            trail, CASES, lambda cases: [(c["subject"], c["state"]) for c in cases] == [("anchoring", "open")]
        )
        assert failures(metrics, "key") > 0
        if key_file.is_dir():
            key_file.rmdir()
        key_file.write_bytes(key)
        await until(trail, CASES, lambda cases: [c["state"] for c in cases] == ["resolved"])
        await until(trail, WAITING, lambda rows: rows[0][0] == 0)


async def test_anchors_that_find_no_room_on_the_disk_are_written_when_there_is_some(
    trail, database_url, tmp_path
):
    with small_disk(tmp_path / "anchors", 1) as disk:
        disk.fill()
        await trail.write("keys", "a.resumed")
        async with anchoring(trail, database_url, audit_anchor_file=disk.place / "anchors.jsonl") as metrics:
            await until(trail, CASES, lambda cases: [c["state"] for c in cases] == ["open"])
            assert failures(metrics, "disk") > 0
            disk.free()
            await until(trail, CASES, lambda cases: [c["state"] for c in cases] == ["resolved"])
            await until(trail, WAITING, lambda rows: rows[0][0] == 0)


async def test_a_disk_that_does_not_answer_holds_nobody_up(trail, database_url, tmp_path):
    """A file that cannot be opened while nobody reads it stands for a disk that hangs."""
    silent = tmp_path / "silent.jsonl"
    os.mkfifo(silent)
    await trail.write("keys", "a.resumed")
    async with anchoring(trail, database_url, audit_anchor_file=silent) as metrics:
        await until(trail, CASES, lambda cases: [c["state"] for c in cases] == ["open"])
        assert failures(metrics, "disk") > 0
        reader = os.open(silent, os.O_RDONLY | os.O_NONBLOCK)  # lets the thread that waits go
    os.close(reader)


async def test_a_process_that_stands_still_with_the_anchors_locked_does_not_stop_the_others(
    trail, database_url
):
    folder = os.open(trail.anchor_file.parent, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    await trail.write("keys", "a.resumed")
    async with anchoring(trail, database_url) as metrics:
        await until(trail, CASES, lambda cases: [c["state"] for c in cases] == ["open"])
        assert failures(metrics, "disk") > 0
        os.close(folder)
        await until(trail, CASES, lambda cases: [c["state"] for c in cases] == ["resolved"])
