import resource
import signal

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
    anchor_files_of(folder, keys).append(some_heads(), AT)
    assert anchor_files_of(folder, keys).append(some_heads(), AT).number == 2
    assert chain_holds(folder, keys) == [1, 2]


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


@pytest.mark.parametrize("line", [b"", b"{}", b'{"number":1,"signature":"AAAA"}', b'[],"signature":"AAAA"}'])
def test_what_has_another_form_is_no_anchor(line):
    with pytest.raises(BadAnchor):
        read_anchor(line)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"crv":"Ed25519","x":"AAAA"}'])
def test_a_key_file_without_a_key_is_refused_by_name(tmp_path, content):
    path = tmp_path / "audit.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(AuditKeyUnusable, match=r"audit\.json"):
        AnchorKeys(path)
