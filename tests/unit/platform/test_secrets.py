import base64
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fundline.platform.key_ring import KeyFileUnusable, KeyRing, SealingKey, read_key_ring
from fundline.platform.secrets import PLAINTEXT_LIMIT_BYTES, SealBroken, SecretBox, header_of

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ROW = UUID("0192f000-0000-7000-8000-000000000001")
OTHER_ROW = UUID("0192f000-0000-7000-8000-000000000002")
ACCOUNT = b'{"type":"iban","iban":"DE89370400440532013000"}'


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    return SecretBox(key_file(tmp_path_factory.mktemp("keys"), bytes(range(32))))


def key_file(folder: Path, key: bytes) -> Path:
    path = folder / "account.key"
    path.write_bytes(base64.b64encode(key) + b"\n")
    return path


@given(plaintext=some.binary(max_size=200), row=some.uuids())
def test_what_was_sealed_for_a_row_opens_for_that_row(box, plaintext, row):
    assert box.open(box.seal(plaintext, row), row) == plaintext


def test_a_sealed_secret_shows_nothing_of_the_account(box):
    sealed = box.seal(ACCOUNT, ROW)
    assert b"DE89" not in sealed
    assert b"013000" not in sealed


def test_sealing_twice_gives_two_forms(box):
    assert box.seal(ACCOUNT, ROW) != box.seal(ACCOUNT, ROW)


def test_a_secret_copied_to_another_row_does_not_open(box):
    with pytest.raises(SealBroken, match="another row"):
        box.open(box.seal(ACCOUNT, ROW), OTHER_ROW)


@pytest.mark.parametrize("position", [0, 1, 4, 5, 16, 17, 30, -1])
def test_a_changed_byte_anywhere_breaks_the_seal(box, position):
    sealed = bytearray(box.seal(ACCOUNT, ROW))
    sealed[position] ^= 0x01
    with pytest.raises(SealBroken, match=r"sealed with another key|belongs to another row or was changed"):
        box.open(bytes(sealed), ROW)


def test_a_truncated_secret_breaks_the_seal(box):
    with pytest.raises(SealBroken, match="too short"):
        box.open(box.seal(b"", ROW)[:-1], ROW)


def test_a_secret_of_another_key_is_known_by_its_key_id(box, tmp_path):
    other = SecretBox(key_file(tmp_path, bytes(32)))
    with pytest.raises(SealBroken, match="another key"):
        box.open(other.seal(ACCOUNT, ROW), ROW)


def test_the_same_key_file_opens_after_a_restart(box, tmp_path):
    again = SecretBox(key_file(tmp_path, bytes(range(32))))
    assert again.open(box.seal(ACCOUNT, ROW), ROW) == ACCOUNT


def test_a_large_plaintext_is_refused(box):
    with pytest.raises(ValueError, match="4096"):
        box.seal(b"x" * (PLAINTEXT_LIMIT_BYTES + 1), ROW)


def test_a_missing_key_file_is_named(tmp_path):
    with pytest.raises(KeyFileUnusable, match="cannot be read"):
        SecretBox(tmp_path / "absent.key")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "holds 0 bytes"),
        (b"not base64!", "is not base64"),
        (base64.b64encode(b"short"), "holds 5 bytes"),
        (base64.b64encode(bytes(33)), "holds 33 bytes; a key has 32"),
    ],
)
def test_a_key_file_without_a_key_is_refused(tmp_path, content, sentence):
    path = tmp_path / "bad.key"
    path.write_bytes(content)
    with pytest.raises(KeyFileUnusable, match=sentence):
        SecretBox(path)


def with_new_key(path: Path, secret: bytes) -> KeyRing:
    """Write the ring of the file with one more key, as `fundline account-key add` does."""
    ring = read_key_ring(path).with_key(SealingKey(secret, AT))
    path.with_suffix(".new").write_bytes(ring.content())
    path.with_suffix(".new").replace(path)
    return ring


@pytest.fixture
def path(tmp_path):
    return key_file(tmp_path, bytes(range(32)))


def test_a_running_process_seals_with_a_new_key_at_once_and_opens_what_the_old_one_sealed(path):
    running = SecretBox(path)
    old = running.seal(ACCOUNT, ROW)
    ring = with_new_key(path, bytes(32))
    new = running.seal(ACCOUNT, ROW)
    assert new.startswith(header_of(ring.newest.key_id))
    assert not old.startswith(header_of(ring.newest.key_id))
    assert running.open(old, ROW) == running.open(new, ROW) == ACCOUNT


def test_a_running_process_opens_what_another_has_sealed_with_a_key_it_has_never_seen(path):
    running = SecretBox(path)
    with_new_key(path, bytes(32))
    assert running.open(SecretBox(path).seal(ACCOUNT, ROW), ROW) == ACCOUNT


def test_a_key_file_that_was_spoiled_leaves_a_running_process_its_keys(path):
    running = SecretBox(path)
    sealed = running.seal(ACCOUNT, ROW)
    path.write_bytes(b"{")
    assert running.open(running.seal(ACCOUNT, ROW), ROW) == running.open(sealed, ROW) == ACCOUNT
    path.unlink()
    assert running.open(running.seal(ACCOUNT, ROW), ROW) == ACCOUNT


def test_the_blind_index_stays_when_keys_change_and_is_another_under_another_key(path, tmp_path):
    before = SecretBox(path).blind_index(b"iban:DE89370400440532013000")
    with_new_key(path, bytes(32))
    assert SecretBox(path).blind_index(b"iban:DE89370400440532013000") == before
    (tmp_path / "other").mkdir()
    other = SecretBox(key_file(tmp_path / "other", bytes(32)))
    assert other.blind_index(b"iban:DE89370400440532013000") != before


def test_a_ring_reads_as_it_was_written(path):
    assert with_new_key(path, bytes(32)) == read_key_ring(path)


def test_neither_the_newest_key_goes_nor_the_same_one_comes_twice(path):
    ring = read_key_ring(path)
    with pytest.raises(ValueError, match="newest"):
        ring.without(ring.newest.key_id)
    with pytest.raises(ValueError, match="already"):
        ring.with_key(SealingKey(bytes(range(32))))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{}", "not of our form"),
        (b'{"keys":[],"index":"AA=="}', "holds 1 bytes"),
        (b'{"keys":[],"index":"%s"}' % base64.b64encode(bytes(32)), "holds no key"),
        (b'{"keys":[{"key":"AA==","addedAt":null}],"index":"AA=="}', "holds 1 bytes"),
    ],
)
def test_a_ring_of_another_form_is_refused(tmp_path, content, sentence):
    (tmp_path / "bad.key").write_bytes(content)
    with pytest.raises(KeyFileUnusable, match=sentence):
        SecretBox(tmp_path / "bad.key")


def test_no_key_is_shown(path):
    assert "secret" not in repr(read_key_ring(path))
