import asyncio

from fundline.platform.audit.anchors import read_anchor
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import utc_now


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
    assert await trail.anchor() == 3
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
