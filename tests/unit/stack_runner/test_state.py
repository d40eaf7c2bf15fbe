import os
from dataclasses import replace

import pytest

from fundline.platform.command_errors import CommandFailed
from fundline.stack.state import (
    ProcessIdentity,
    ProcessRecord,
    StackState,
    StateFile,
    already_running,
    is_locked,
    runner_lock,
)

US = ProcessIdentity.of(os.getpid())
RECORD = ProcessRecord(
    "risk-worker", "risk-worker-1", "service", US, 1.0, 2, "http://h:1", "http://h:1/x", "log"
)
STATE = StackState(US, "running", "https://localhost:1", (RECORD, replace(RECORD, identity=None)))


def test_what_was_saved_is_loaded(tmp_path):
    file = StateFile(tmp_path)
    file.save(STATE)
    assert file.load() == STATE


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"runner": 1}'])
def test_a_file_that_cannot_be_understood_counts_as_none(tmp_path, text):
    file = StateFile(tmp_path)
    file.path.write_text(text)
    assert file.load() is None


def test_a_process_is_recognised_by_pid_and_start_time():
    assert US.is_alive()


def test_a_stranger_with_the_same_pid_is_not_the_recorded_process():
    assert not replace(US, created_at_s=US.created_at_s - 5).is_alive()


def test_a_second_runner_of_one_home_is_refused_with_the_address_of_the_first(tmp_path):
    StateFile(tmp_path).save(STATE)
    with runner_lock(tmp_path):
        assert is_locked(tmp_path)
        with (
            pytest.raises(CommandFailed, match="already running at https://localhost:1"),
            runner_lock(tmp_path),
        ):
            pass
    assert not is_locked(tmp_path)


def test_a_second_runner_is_refused_even_before_the_first_has_written_its_state():
    assert "is being started by another command" in already_running(None)
