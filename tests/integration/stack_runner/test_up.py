"""`fundline up` as a person uses it: the whole fleet in a process of its own, asked and stopped from outside."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from fundline.stack.state import HOME_MARK
from support.ports import free_ports

START_LIMIT_S = 150
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


class Runner:
    """`fundline up` in a home and on ports of its own."""

    def __init__(self, home):
        self.home = home
        self.environment = {**os.environ, **free_ports().as_environment(), "FUNDLINE_HOME": str(home)}
        self.output = home.with_suffix(".txt")
        self.process = None

    def fundline(self, *arguments):
        argv = [sys.executable, "-m", "fundline.cli", *arguments]
        return subprocess.run(
            argv, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )

    def start(self):
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fundline.cli", "up"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.await_output("Ctrl-C drains and stops everything")

    def await_output(self, text):
        deadline = time.monotonic() + START_LIMIT_S
        while text not in self.output.read_text():
            assert self.process.poll() is None, self.output.read_text()[-3000:]
            assert time.monotonic() < deadline, self.output.read_text()[-3000:]
            time.sleep(0.1)

    def status(self):
        return json.loads(self.fundline("status", "--json").stdout)

    def find(self, instance):
        return next(entry for entry in self.status()["processes"] if entry["instance"] == instance)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(120)

    def left_over(self):
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(HOME_MARK) == str(self.home):
                    found.append(process.cmdline())
            except psutil.Error:
                continue
        return found


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    started = Runner(tmp_path_factory.mktemp("stack") / "var")
    started.start()
    yield started
    if started.process.poll() is None:
        started.stop()
    started.fundline("down")
    started.fundline("reset", "--yes")


def test_the_fleet_is_healthy_and_its_address_is_shown_with_a_command_to_paste(runner):
    status = runner.status()
    assert status["healthy"], status
    assert runner.fundline("status").returncode == 0
    shown = runner.output.read_text()
    assert f"{status['gateway']}/v1/applications" in shown
    assert "--cacert" in shown


def test_a_second_up_says_in_one_sentence_that_and_where_it_runs(runner):
    second = runner.fundline("up")
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"already running at {runner.status()['gateway']}" in second.stderr


def test_a_running_stack_cannot_be_wiped(runner):
    assert runner.fundline("reset", "--yes").returncode == 1
    assert runner.status()["healthy"]


def test_a_killed_worker_comes_back_and_its_restart_is_counted(runner):
    os.kill(runner.find("risk-worker-1")["identity"]["pid"], signal.SIGKILL)
    runner.await_output("risk-worker-1 was killed by signal 9")
    deadline = time.monotonic() + 60
    while not (entry := runner.find("risk-worker-1"))["restarts"] or entry["health"] != "healthy":
        assert time.monotonic() < deadline, entry
        time.sleep(0.2)
    assert entry["restarts"] == 1


def test_services_are_restarted_one_by_one_and_a_name_that_is_not_a_services_is_refused(runner):
    before = {n: runner.find(f"application-api-{n}")["identity"] for n in (1, 2)}
    restarted = runner.fundline("restart", "application-api")
    assert restarted.returncode == 0, restarted.stderr
    assert [line for line in restarted.stdout.splitlines() if "restarted" in line] == [
        "application-api-1: restarted",
        "application-api-2: restarted",
    ]
    assert not any(before[n] == runner.find(f"application-api-{n}")["identity"] for n in (1, 2))
    assert runner.status()["healthy"]
    assert "postgres is not a service" in runner.fundline("restart", "postgres").stderr


def test_after_the_runner_is_killed_the_next_up_cleans_up_goes_on_and_drains_when_it_is_asked_to(runner):
    runner.process.kill()
    runner.process.wait()
    assert runner.fundline("status").returncode == 1
    runner.start()
    assert "processes that an earlier run left behind" in runner.output.read_text()
    assert runner.status()["healthy"]
    assert runner.stop() == 0
    assert runner.left_over() == []
