import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

from fundline.cli import app
from fundline.platform.command_errors import CommandFailed
from fundline.stack.layout import StackHome
from fundline.stack.progress import Progress
from fundline.stack.supervisor import RestartPolicy
from fundline.stack.table import duration


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(*arguments):
    result = run(*arguments)
    assert isinstance(result.exception, CommandFailed), result.output
    return str(result.exception)


def test_status_of_a_stack_that_does_not_run_is_one_sentence(tmp_path):
    assert "start Fundline with `make up`" in refused("status", "--home", tmp_path)


def test_a_restart_says_what_it_restarts(tmp_path):
    assert "say --all" in refused("restart", "--home", tmp_path)
    assert "say --all" in refused("restart", "application-api", "--all", "--home", tmp_path)
    assert "start Fundline with `make up`" in refused("restart", "--all", "--home", tmp_path)


def test_reset_does_not_wipe_a_folder_that_fundline_did_not_make(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert "nothing was wiped" in refused("reset", "--yes", "--home", tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_reset_does_not_wipe_a_home_in_which_somebody_keeps_something_else(tmp_path):
    StackHome(tmp_path).create()
    (tmp_path / "thesis.txt").write_text("years of work")
    assert "thesis.txt" in refused("reset", "--yes", "--home", tmp_path)


def test_reset_wipes_only_when_it_is_told_to(tmp_path):
    home = StackHome(tmp_path / "var").create()
    assert "--yes" in refused("reset", "--home", home.root)
    assert home.data.exists()
    assert run("reset", "--yes", "--home", home.root).exit_code == 0
    assert not home.root.exists()


def test_down_without_a_running_stack_says_so(tmp_path):
    StackHome(tmp_path).create()
    assert "Nothing runs" in run("down", "--home", tmp_path).output


def test_a_token_needs_a_role_that_exists(tmp_path):
    assert "no role “king”" in refused("token", "--subject", "alice", "--role", "king", "--home", tmp_path)


def test_a_token_needs_the_keys_of_a_stack(tmp_path):
    assert "make up" in refused("token", "--subject", "alice", "--home", tmp_path)


@pytest.mark.parametrize(
    ("crashes", "delay_s"), [(1, 0.2), (2, 0.4), (3, 0.8), (6, 6.4), (7, 10.0), (50, 10.0), (5000, 10.0)]
)
def test_the_delay_before_a_restart_doubles_up_to_its_limit(crashes, delay_s):
    assert RestartPolicy().delay_s(crashes) == pytest.approx(delay_s)


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5 s"), (185, "3 min 5 s"), (7800, "2 h 10 min"), (273_600, "3 d 4 h")]
)
def test_a_duration_is_told_in_two_units(seconds, text):
    assert duration(seconds) == text


def test_plain_progress_shows_a_part_once_a_second_and_always_its_end():
    page, now = io.StringIO(), [1.0]
    progress = Progress(Console(file=page, width=80), clock=lambda: now[0])
    for percent in range(100):
        progress.say("kafka", f"downloading {percent} %")
    now[0] = 3.0
    progress.done("kafka")
    assert [text.split() for text in page.getvalue().splitlines()] == [
        ["kafka", "downloading", "0", "%"],
        ["kafka", "ready", "(2.0", "s)"],
    ]
