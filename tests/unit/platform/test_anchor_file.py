import fcntl
import os
import resource
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fundline.platform.audit.anchor_file import AnchorsBroken, anchor_files
from fundline.platform.audit.anchors import (
    AnchorKeys,
    AuditKeyUnusable,
    BadAnchor,
    line_hash,
    read_anchor,
)
from support.audit import AT, anchor_files_of, some_heads, write_audit_key


@pytest.fixture
def keys(tmp_path):
    return AnchorKeys(write_audit_key(tmp_path / "key.json"))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "audit"


def chain_holds(folder, keys) -> list[int]:
    """The numbers of all anchors, after each was verified and found to follow the one before."""
    numbers, previous = [], bytes(32)
    for file in anchor_files(folder / "anchors.jsonl"):
        for line in file.read_bytes().splitlines():
            anchor, content, signature = read_anchor(line)
            assert keys.is_signed(content, signature, anchor.key_id)
            assert anchor.previous == previous
            previous = line_hash(line)
            numbers.append(anchor.number)
    return numbers


def test_each_anchor_is_signed_and_names_the_one_before(folder, keys):
    file = anchor_files_of(folder, keys)
    assert [file.append(some_heads(), AT).number for _ in range(3)] == [1, 2, 3]
    assert chain_holds(folder, keys) == [1, 2, 3]


def test_a_new_process_goes_on_where_the_last_one_ended(folder, keys):
    appended = [anchor_files_of(folder, keys).append(some_heads(), AT).number for _ in range(4)]
    assert appended == chain_holds(folder, keys) == [1, 2, 3, 4]


def test_a_leader_that_comes_back_goes_on_after_the_lines_of_its_successor(folder, keys):
    stalled, successor = anchor_files_of(folder, keys), anchor_files_of(folder, keys)
    stalled.append(some_heads(), AT)
    successor.append(some_heads(), AT)
    assert stalled.append(some_heads(), AT).number == 3
    assert chain_holds(folder, keys) == [1, 2, 3]


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_a_line_that_a_crash_has_torn_is_cut_off(folder, keys, kept):
    anchor_files_of(folder, keys).append(some_heads(), AT)
    path = folder / "anchors.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:kept])
    appended = anchor_files_of(folder, keys).append(some_heads(), AT)
    assert appended.torn_bytes == len(whole[:kept])
    assert chain_holds(folder, keys) == [1, 2]


def test_a_first_line_that_a_crash_has_torn_is_written_again(folder, keys):
    folder.mkdir()
    (folder / "anchors.jsonl").write_bytes(b'{"number":1,"at":"20')
    assert anchor_files_of(folder, keys).append(some_heads(), AT).number == 1
    assert chain_holds(folder, keys) == [1]


def test_a_write_that_stops_half_way_leaves_no_trace(folder, keys):
    """As on a full disk: the system takes a part of the line and then refuses."""
    file = anchor_files_of(folder, keys)
    file.append(some_heads(), AT)
    before = (folder / "anchors.jsonl").read_bytes()
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            file.append(some_heads(), AT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert (folder / "anchors.jsonl").read_bytes() == before
    assert file.append(some_heads(), AT).number == 2
    assert chain_holds(folder, keys) == [1, 2]


def test_a_full_file_is_renamed_and_the_chain_goes_on_in_a_new_one(folder, keys):
    file = anchor_files_of(folder, keys, rotate_bytes=1)
    for _ in range(3):
        file.append(some_heads(), AT)
    names = [path.name for path in anchor_files(folder / "anchors.jsonl")]
    assert names == ["anchors.000000000001.jsonl", "anchors.000000000002.jsonl", "anchors.jsonl"]
    assert chain_holds(folder, keys) == [1, 2, 3]


def test_a_crash_between_renaming_and_the_next_line_breaks_nothing(folder, keys):
    anchor_files_of(folder, keys).append(some_heads(), AT)
    (folder / "anchors.jsonl").rename(folder / "anchors.000000000001.jsonl")
    assert anchor_files_of(folder, keys).append(some_heads(), AT).number == 2
    assert chain_holds(folder, keys) == [1, 2]


def calls_to_the_disk(work: Callable[[], object]) -> list[tuple[str, str]]:
    """Which system call on which file, in their order: seen by the interpreter's own hook, nothing is replaced."""
    seen: list[tuple[str, str]] = []

    def watch(frame, event, called):
        if event == "c_call" and called in (os.write, os.fsync, os.ftruncate):
            path = Path(f"/proc/self/fd/{frame.f_locals['descriptor']}").readlink()
            seen.append((called.__name__, path.name))

    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
    return seen


WRITTEN = [("write", "anchors.jsonl"), ("fsync", "anchors.jsonl")]


def test_a_line_is_on_the_disk_before_anybody_relies_on_it(folder, keys):
    """A dropped fsync survived every test: without a power cut nobody sees the difference."""
    file = anchor_files_of(folder, keys)
    assert calls_to_the_disk(lambda: file.append(some_heads(), AT)) == [*WRITTEN, ("fsync", folder.name)]
    assert calls_to_the_disk(lambda: file.append(some_heads(), AT)) == WRITTEN


def test_the_name_of_a_new_file_is_on_the_disk_too(folder, keys):
    file = anchor_files_of(folder, keys, rotate_bytes=1)
    file.append(some_heads(), AT)
    assert calls_to_the_disk(lambda: file.append(some_heads(), AT)) == [*WRITTEN, ("fsync", folder.name)]


def test_what_was_cut_off_is_gone_from_the_disk_before_the_next_line(folder, keys):
    anchor_files_of(folder, keys).append(some_heads(), AT)
    with (folder / "anchors.jsonl").open("ab") as torn:
        torn.write(b"torn")
    cut = [("ftruncate", "anchors.jsonl"), ("fsync", "anchors.jsonl")]
    assert calls_to_the_disk(lambda: anchor_files_of(folder, keys).append(some_heads(), AT)) == cut + WRITTEN


def until_somebody_else_opens(folder: Path, *, ours: int) -> None:
    """Another than the `ours` descriptors: who wants the lock has opened the folder."""
    end = time.monotonic() + 20
    while sum(link.resolve() == folder for link in Path("/proc/self/fd").iterdir()) <= ours:
        assert time.monotonic() < end, "nobody wants the lock"
        time.sleep(0.005)


def test_while_another_process_writes_nobody_looks_at_the_end_of_the_file(folder, keys, tmp_path):
    anchor_files_of(folder, keys).append(some_heads(), AT)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder, elsewhere)
    anchor_files_of(elsewhere, keys).append(some_heads(), AT)
    held = os.open(folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    second = threading.Thread(target=lambda: anchor_files_of(folder, keys).append(some_heads(), AT))
    second.start()
    try:
        until_somebody_else_opens(folder, ours=1)
        shutil.copy(
            elsewhere / "anchors.jsonl", folder / "anchors.jsonl"
        )  # the line of whoever holds the lock
    finally:
        os.close(held)
        second.join(20)
    assert chain_holds(folder, keys) == [1, 2, 3]


def test_a_file_is_full_when_it_has_its_size_and_not_a_byte_before(folder, keys):
    anchor_files_of(folder, keys).append(some_heads(), AT)
    size = (folder / "anchors.jsonl").stat().st_size
    anchor_files_of(folder, keys, rotate_bytes=size + 1).append(some_heads(), AT)
    assert len(anchor_files(folder / "anchors.jsonl")) == 1
    size = (folder / "anchors.jsonl").stat().st_size
    anchor_files_of(folder, keys, rotate_bytes=size).append(some_heads(), AT)
    assert len(anchor_files(folder / "anchors.jsonl")) == 2
    assert chain_holds(folder, keys) == [1, 2, 3]


def test_only_its_owner_reads_the_file(folder, keys):
    anchor_files_of(folder, keys).append(some_heads(), AT)
    assert (folder / "anchors.jsonl").stat().st_mode & 0o777 == 0o600


def test_nothing_is_appended_behind_a_line_that_somebody_wrote(folder, keys):
    anchor_files_of(folder, keys).append(some_heads(), AT)
    with (folder / "anchors.jsonl").open("ab") as file:
        file.write(b"hello\n")
    with pytest.raises(AnchorsBroken, match=r"anchors\.jsonl"):
        anchor_files_of(folder, keys).append(some_heads(), AT)


def test_a_signature_of_another_key_does_not_verify(folder, keys, tmp_path):
    anchor_files_of(folder, keys).append(some_heads(), AT)
    other = AnchorKeys(write_audit_key(tmp_path / "other.json"))
    anchor, content, signature = read_anchor((folder / "anchors.jsonl").read_bytes()[:-1])
    assert not other.is_signed(content, signature, anchor.key_id)
    assert not keys.is_signed(content + b" ", signature, anchor.key_id)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"", "it has no signature"),
        (b"{}", "it has no signature"),
        (b'{"number":1,"signature":"AAAA"', "it has no signature"),
        (b'{"number":1,"signature":"AAAA"}', "it is not of our form"),
        (b'[],"signature":"AAAA"}', "it is not of our form"),
    ],
)
def test_what_has_another_form_is_no_anchor(line, sentence):
    with pytest.raises(BadAnchor, match=sentence):
        read_anchor(line)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"crv":"Ed25519","x":"AAAA"}'])
def test_a_key_file_without_a_key_is_refused_by_name(tmp_path, content):
    path = tmp_path / "audit.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(AuditKeyUnusable, match=r"audit\.json"):
        AnchorKeys(path)


def test_a_writer_that_stands_still_holds_nobody_for_ever(folder, keys):
    """A process that was frozen within an append has the folder's lock; the successor says so and tries again later."""
    file = anchor_files_of(folder, keys)
    file.append(some_heads(), AT)
    frozen = os.open(folder, os.O_RDONLY)
    fcntl.flock(frozen, fcntl.LOCK_EX)
    with pytest.raises(BlockingIOError, match="stands still"):
        file.append(some_heads(), AT)
    os.close(frozen)
    assert file.append(some_heads(), AT).number == 2
    assert chain_holds(folder, keys) == [1, 2]
