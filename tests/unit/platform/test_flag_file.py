"""Changing the flags file: no reader sees half of it, and what cannot be read is said in a sentence."""

import json
import multiprocessing
import os
import stat

import pytest

from fundline.platform.flag_file import FlagFileUnusable, only_editor, read_flags, replace_flags

DOCUMENT = {"flags": {"a": {"state": "ENABLED"}}}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "flags.json"
    path.write_text(json.dumps(DOCUMENT))
    return path


def test_a_new_file_takes_the_place_of_the_old_one_with_its_rights_and_is_younger(file):
    file.chmod(0o640)
    before = file.stat()
    replace_flags(file, {"flags": {"b": {}}})
    after = file.stat()
    assert read_flags(file) == {"flags": {"b": {}}}
    assert after.st_ino != before.st_ino
    assert after.st_mtime_ns > before.st_mtime_ns
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["flags.json"]


def test_a_file_from_the_future_is_replaced_by_a_younger_one(file):
    """The provider looks for a change of the time; a clock that was set back must not hide ours."""
    os.utime(file, ns=(4_000_000_000_000_000_000,) * 2)
    replace_flags(file, DOCUMENT)
    assert file.stat().st_mtime_ns > 4_000_000_000_000_000_000


@pytest.mark.parametrize(
    ("content", "sentence"),
    [("{not", "are not JSON"), ("[]", "has no object `flags`"), ('{"flags": []}', "has no object `flags`")],
)
def test_a_file_that_is_no_flags_file_is_told(file, content, sentence):
    file.write_text(content)
    with pytest.raises(FlagFileUnusable, match=sentence):
        read_flags(file)


def test_a_file_that_is_not_there_is_told_with_what_to_do(tmp_path):
    with pytest.raises(FlagFileUnusable, match="start Fundline with `make up`"):
        read_flags(tmp_path / "nothing.json")
    with (
        pytest.raises(FlagFileUnusable, match="cannot be opened"),
        only_editor(tmp_path / "no" / "flags.json"),
    ):
        pass


def _add_one(path, times):
    for _ in range(times):
        with only_editor(path):
            document = read_flags(path)
            document["count"] = document.get("count", 0) + 1
            replace_flags(path, document)


def test_editors_wait_for_each_other(file):
    context = multiprocessing.get_context("spawn")
    editors = [context.Process(target=_add_one, args=(file, 20)) for _ in range(3)]
    for editor in editors:
        editor.start()
    for editor in editors:
        editor.join(60)
    assert read_flags(file)["count"] == 60
