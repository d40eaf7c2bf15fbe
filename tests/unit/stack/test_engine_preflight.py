import shutil
import sys

import pytest

from fundline.platform.command_errors import CommandFailed
from fundline.stack.engines.preflight import (
    package_folder,
    plain_environment,
    require_working_program,
    run_program,
)


def test_a_program_that_is_not_there_gives_a_sentence():
    with pytest.raises(
        CommandFailed, match=r"Envoy cannot run here: /no/such/envoy: No such file or directory\."
    ):
        require_working_program(("/no/such/envoy", "--version"), "Envoy")


def test_a_damaged_program_gives_a_sentence_that_says_how_to_repair_it(tmp_path):
    program = tmp_path / "valkey-server"
    program.write_bytes(b"\x7fELF damaged")
    program.chmod(0o755)
    with pytest.raises(CommandFailed, match="reinstall it with `make install`"):
        require_working_program((str(program), "--version"), "Valkey")


def test_a_failing_program_is_explained_by_its_last_line():
    failing = (sys.executable, "-c", "import sys; print('one'); sys.exit('no space left on device')")
    with pytest.raises(CommandFailed, match=r"PostgreSQL failed \(.*\): no space left on device"):
        run_program(failing, "PostgreSQL", timeout_s=20)


def test_a_program_that_takes_too_long_is_given_up():
    waiting = (shutil.which("sleep"), "30")
    with pytest.raises(CommandFailed, match="Kafka did not finish within 0 s: sleep"):
        run_program(waiting, "Kafka", timeout_s=0.05)


def test_an_engine_that_is_not_installed_gives_a_sentence():
    with pytest.raises(CommandFailed, match=r"Envoy is not installed \(Python package no_such_wheel\)"):
        package_folder("no_such_wheel", "Envoy")


def test_an_engine_does_not_see_the_settings_of_other_programs(monkeypatch):
    monkeypatch.setenv("PGHOST", "elsewhere")
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xmx1m")
    monkeypatch.setenv("HOME", "/home/anna")
    environment = plain_environment()
    assert "PGHOST" not in environment
    assert "JAVA_TOOL_OPTIONS" not in environment
    assert environment["HOME"] == "/home/anna"
