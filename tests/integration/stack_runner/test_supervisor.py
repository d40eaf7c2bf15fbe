"""The supervisor with real processes: small Python programs in the place of engines and services."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from fundline.platform.command_errors import CommandFailed
from fundline.stack.process_spec import ProcessSpec
from fundline.stack.state import HOME_MARK, ProcessIdentity, StackState, StateFile, stop_leftovers
from fundline.stack.supervisor import Part, RestartPolicy, Supervisor
from support.small_disk import small_disk

LIMIT_S = 30
QUICK = RestartPolicy(first_delay_s=0.01, longest_delay_s=0.02)
SLEEP = "import time; time.sleep(600)"
IGNORES_SIGTERM = (
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
)
WITH_CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
BROKEN = "import sys; sys.exit('the disk is broken')"
DRAINS = (
    "import signal, sys, time\n"
    "def drain(*_):\n    print('drained', flush=True)\n    sys.exit(0)\n"
    "signal.signal(15, drain)\nprint('listening', flush=True)\ntime.sleep(600)"
)

pytestmark = pytest.mark.integration


def until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@pytest.fixture
def told():
    return []


@pytest.fixture
def supervisor(tmp_path, told):
    running = Supervisor(
        tmp_path, lambda instance, text: told.append(f"{instance} {text}"), lambda: None, QUICK
    )
    yield running
    running.close()
    running.kill_all()


@pytest.fixture
def part(tmp_path):
    def make(code, instance="risk-worker-1", stop_timeout_s=LIMIT_S, is_ready=lambda: True):
        spec = ProcessSpec(
            name=instance,
            argv=(sys.executable, "-c", code),
            log_file=tmp_path / f"{instance}.log",
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
            stop_timeout_s=stop_timeout_s,
        )
        return Part("risk-worker", instance, "service", "Risk worker", spec, is_ready, "", "", LIMIT_S)

    return make


def record(supervisor):
    return supervisor.records()[0]


def test_a_killed_process_is_restarted_and_people_are_told(supervisor, part, told):
    supervisor.start(part(SLEEP))
    before = record(supervisor).identity
    assert supervisor.kill("risk-worker-1") == before.pid
    until(lambda: record(supervisor).restarts == 1 and record(supervisor).identity is not None)
    assert record(supervisor).identity != before
    assert "was killed by signal 9; restart 1" in told[0]


def test_what_a_killed_process_had_started_goes_with_it(supervisor, part):
    supervisor.start(part(WITH_CHILD))
    parent = psutil.Process(record(supervisor).identity.pid)
    until(parent.children)
    child = parent.children()[0]
    supervisor.kill("risk-worker-1")
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_part_that_crashes_again_and_again_ends_the_start_with_its_last_words(supervisor, part):
    supervisor.start(part(BROKEN, is_ready=lambda: False))
    with pytest.raises(CommandFailed, match="the disk is broken"):
        supervisor.wait_ready("risk-worker-1")


def test_a_part_that_never_answers_ends_the_start_with_the_place_of_its_log(supervisor, part):
    supervisor.start(replace(part(SLEEP, is_ready=lambda: False), start_timeout_s=0.2))
    with pytest.raises(CommandFailed, match=r"did not become healthy.*risk-worker-1\.log"):
        supervisor.wait_ready("risk-worker-1")


def test_a_stop_lets_the_process_drain(supervisor, part, tmp_path):
    supervisor.start(part(DRAINS))
    until(lambda: "listening" in (tmp_path / "risk-worker-1.log").read_text())
    supervisor.stop(["risk-worker-1"])
    assert (tmp_path / "risk-worker-1.log").read_text().endswith("drained\n")


def test_a_process_that_outlasts_its_time_is_killed_and_people_are_told(supervisor, part, told, tmp_path):
    supervisor.start(part(IGNORES_SIGTERM, stop_timeout_s=0.1))
    until(lambda: "deaf" in (tmp_path / "risk-worker-1.log").read_text())
    identity = record(supervisor).identity
    supervisor.stop(["risk-worker-1"])
    assert not identity.is_alive()
    assert "was killed" in told[0]


def test_a_stopped_process_is_not_restarted(supervisor, part, told):
    supervisor.start(part(SLEEP))
    supervisor.start(part(SLEEP, "risk-worker-2"))
    supervisor.stop(["risk-worker-1"])
    supervisor.kill("risk-worker-2")
    until(lambda: supervisor.records()[1].restarts == 1)
    assert supervisor.records()[0].restarts == 0
    assert not [line for line in told if line.startswith("risk-worker-1")]


def test_a_process_that_is_not_running_cannot_be_killed(supervisor):
    with pytest.raises(CommandFailed, match="risk-worker-9 is not running"):
        supervisor.kill("risk-worker-9")


def test_the_second_interrupt_kills_what_does_not_want_to_stop(supervisor, part, tmp_path):
    supervisor.start(part(IGNORES_SIGTERM))
    until(lambda: "deaf" in (tmp_path / "risk-worker-1.log").read_text())
    supervisor.close()
    supervisor.kill_all()
    supervisor.stop(["risk-worker-1"])
    assert not record(supervisor).identity.is_alive()


RUNNER = """
import sys, time
from pathlib import Path
from fundline.stack.process_spec import ProcessSpec
from fundline.stack.state import ProcessIdentity, StackState, StateFile
from fundline.stack.supervisor import Part, Supervisor
import os
home = Path(sys.argv[1])
supervisor = Supervisor(home, lambda *_: None, lambda: None)
spec = ProcessSpec("bank", (sys.executable, "-c", "import time; time.sleep(600)"), home / "bank.log", home, {})
supervisor.start(Part("bank", "bank", "service", "Bank", spec, lambda: True, "", "", 10))
StateFile(home).save(StackState(ProcessIdentity.of(os.getpid()), "running", "", supervisor.records()))
print("up", flush=True)
time.sleep(600)
"""


def test_what_a_killed_runner_left_behind_is_found_and_stopped(tmp_path):
    runner = subprocess.Popen([sys.executable, "-c", RUNNER, str(tmp_path)], stdout=subprocess.PIPE)
    assert runner.stdout.readline() == b"up\n"
    runner.kill()
    runner.communicate()
    state = StateFile(tmp_path).load()
    left = state.processes[0].identity
    assert left.is_alive()
    assert not state.runner_is_alive()
    said = []
    assert stop_leftovers(state, tmp_path, said.append) == 1
    assert not left.is_alive()
    assert "1 processes that an earlier run left behind" in said[0]


@pytest.fixture
def stranger(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True, env={"PATH": ""})
    yield process
    process.kill()
    process.wait()


def test_a_stranger_that_got_the_pid_of_a_recorded_process_is_not_touched(
    tmp_path, stranger, supervisor, part
):
    supervisor.start(part(SLEEP))
    reused = replace(ProcessIdentity.of(stranger.pid), created_at_s=1.0)
    state = StackState(reused, "running", "", (replace(record(supervisor), identity=reused),))
    supervisor.stop(["risk-worker-1"])
    assert stop_leftovers(state, tmp_path, lambda _: None) == 0
    assert stranger.poll() is None


def test_a_process_that_was_started_but_not_yet_recorded_is_found_by_its_mark(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEP], start_new_session=True, env={HOME_MARK: str(tmp_path)}
    )
    until(lambda: psutil.Process(process.pid).environ().get(HOME_MARK) == str(tmp_path))
    identity = ProcessIdentity.of(process.pid)
    assert stop_leftovers(None, tmp_path, lambda _: None) == 1
    assert not identity.is_alive()


def test_a_process_whose_log_cannot_be_opened_runs_without_it_and_people_are_told(
    supervisor, part, told, tmp_path
):
    """Incident: a full disk under the logs kept what had crashed from being started again."""
    (tmp_path / "risk-worker-1.log").mkdir()  # nobody can append to a folder
    supervisor.start(part(SLEEP))
    assert record(supervisor).identity is not None
    assert "runs without its log" in told[0]


def test_what_goes_wrong_with_one_part_does_not_end_the_care_for_the_others(supervisor, part, told):
    """Incident: the thread that looks after all parts died of a log that it could not copy."""

    def explodes() -> bool:
        raise RuntimeError("asked in vain")

    supervisor.start(part(SLEEP, instance="broken-1", is_ready=explodes))
    supervisor.start(part(SLEEP, instance="sound-1"))
    supervisor.kill("broken-1")
    until(lambda: any("asked in vain" in line for line in told))
    supervisor.kill("sound-1")
    until(lambda: any("sound-1 healthy again" in line for line in told))


def test_logs_that_a_program_writes_by_itself_are_limited_while_it_runs(supervisor, part, tmp_path):
    """The gateway's access log grew for as long as the gateway ran."""
    with small_disk(tmp_path / "logs", 16) as disk:
        access_log = disk.place / "access.log"
        access_log.write_bytes(b"a request\n" * 800_000)
        limited = part(SLEEP)
        supervisor.start(replace(limited, spec=replace(limited.spec, more_logs=(access_log,))))
        assert access_log.stat().st_size < 2 << 20
        access_log.write_bytes(b"a request\n" * 800_000)
        until(lambda: access_log.stat().st_size < 2 << 20)
