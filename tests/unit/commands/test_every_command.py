"""Every command that there is, walked from the tree of the command line: help, errors as JSON, and no trace left."""

import ast
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import fundline
from fundline import cli
from fundline.commands.groups import LazyNoun
from fundline.platform.command_errors import CommandFailed
from fundline.platform.refusals import Refusal

ROOT = Path(fundline.__path__[0])
LONG = "Because the test says so."
STARTS_PROCESSES = {("up",), ("demo",), ("webhook", "listen")}
"""They run until somebody ends them."""


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    command = command.loaded if isinstance(command, LazyNoun) else command
    children = getattr(command, "commands", None)
    if not children:
        yield path, command
        return
    for name, child in children.items():
        yield from leaves(child, (*path, name))


def groups(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    command = command.loaded if isinstance(command, LazyNoun) else command
    if getattr(command, "commands", None):
        yield path
        for name, child in command.commands.items():
            yield from groups(child, (*path, name))


LEAVES = list(leaves(cli.command_line()))
GROUPS = list(groups(cli.command_line()))
BY_NAME = [pytest.param(path, command, id=" ".join(path)) for path, command in LEAVES]
TURNS = [
    ["payment", "halt"],
    ["payment", "resume"],
    ["model", "rollback"],
    ["model", "promote", "lightgbm-1", "--share", "10"],
]
"""They change a running system."""
WITHOUT_JSON = {("up",), ("demo",), ("logs",)}
"""`up` and `logs` draw for people until they are ended; `demo` has `--format json`."""
WITH_JSON = [
    pytest.param(path, command, id=" ".join(path))
    for path, command in LEAVES
    if path not in STARTS_PROCESSES and any("--json" in one.opts for one in command.params)
]


@pytest.fixture
def nowhere(tmp_path, monkeypatch) -> Path:
    """A home where no stack is, and nothing that a setting could lead to."""
    for name in (
        "DATABASE_URL",
        "API_URL",
        "TOKEN",
        "FLAGS_FILE",
        "BANK_URL",
        "CACHE_URL",
        "KAFKA_BOOTSTRAP",
    ):
        monkeypatch.delenv(f"FUNDLINE_{name}", raising=False)
    home = tmp_path / "nothing-runs-here"
    monkeypatch.setenv("FUNDLINE_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    return home


def filled(command: Any) -> list[str]:
    """Something for each argument and option that must be there."""
    words: list[str] = []
    for one in command.params:
        if one.name == "yes":
            words.append("--yes")
        if not one.required:
            continue
        value = LONG if one.name in {"reason", "resolution"} else "1"
        if one.name == "topic":
            value = "status.updated"
        words += [value] if one.param_type_name == "argument" else [one.opts[0], value]
    return words


def test_there_are_commands_to_walk():
    assert len(LEAVES) > 50


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize(("path", "command"), BY_NAME)
def test_every_command_has_help(path, command, flag, capsys):
    assert cli.run([*path, flag]) == 0
    shown = capsys.readouterr()
    assert "Usage" in shown.out
    assert shown.err == ""
    assert command.help, "a command says what it does"


@pytest.mark.parametrize("path", GROUPS, ids=lambda path: " ".join(path) or "fundline")
def test_an_unknown_command_is_refused_with_the_list_of_those_that_there_are(path, capsys):
    assert cli.run([*path, "no-such-thing", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)["error"]
    known = cli.command_line()
    for name in path:
        known = known.commands[name]
        known = known.loaded if isinstance(known, LazyNoun) else known
    assert "“no-such-thing”" in told["message"]
    for name in known.commands:
        assert name in told["message"]


@pytest.mark.parametrize(("path", "command"), BY_NAME)
def test_an_unknown_option_is_an_error_of_usage_and_json_when_asked_for(path, command, capsys):
    assert cli.run([*path, "--no-such-option", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["error"]["exitStatus"] == 2


@pytest.mark.parametrize(("path", "command"), WITH_JSON)
def test_where_no_stack_is_a_command_says_so_in_json_and_leaves_nothing_behind(
    path, command, nowhere, capsys, monkeypatch
):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    extra = ["--once"] if path == ("reconcile",) else []
    status = cli.run([*path, *filled(command), *extra, "--json"])
    shown = capsys.readouterr()
    values = [json.loads(line) for line in shown.out.splitlines()]
    assert values
    assert "Traceback" not in shown.err
    if status:
        assert values[-1]["error"]["message"]
        assert values[-1]["error"]["exitStatus"] == status
    assert not nowhere.exists()
    assert list(nowhere.parent.iterdir()) == []


@pytest.mark.parametrize(("path", "command"), BY_NAME)
def test_where_no_stack_is_nothing_is_written(path, command, nowhere, capsys, monkeypatch):
    if path in STARTS_PROCESSES:
        pytest.skip("it makes a stack: that is what it is for")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    extra = ["--once"] if path == ("reconcile",) else []
    assert cli.run([*path, *filled(command), *extra]) in {0, 1, 2}
    assert list(nowhere.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (["payment", "list", "--state", "payed"], "requested"),
        (["dead-letter", "list", "--state", "opened"], "replay_requested"),
        (["dead-letter", "list", "--topic", "status.update"], "status.updated"),
        (["dead-letter", "list", "--group", "nobody"], "disbursement-worker"),
        (["dead-letter", "bulk-replay", "--reason", LONG, "--topic", "x"], "status.updated"),
        (["case", "list", "--state", "closed"], "resolved"),
        (["case", "list", "--kind", "x"], "payment_unknown"),
        (["ledger", "corrections", "--state", "x"], "withdrawn"),
        (["bank", "faults", "add", "slow", "--operation", "x"], "statement"),
        (["model", "promote", "x", "--share", "10", "--reason", LONG], "scorecard-2"),
        (["model", "reset", "x", "--reason", LONG], "scorecard-2"),
        (["model", "evaluate", "--data", "x", "--model", "x"], "scorecard-2"),
        (["routes", "--service", "x"], "operations-api"),
        (["token", "--subject", "a", "--role", "king"], "underwriter"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_unknown_name_is_refused_with_the_list_of_what_there_is(arguments, known, nowhere, capsys):
    assert cli.run([*arguments, "--json"]) in {1, 2}
    message = json.loads(capsys.readouterr().out)["error"]["message"]
    assert known in message


@pytest.mark.parametrize("reason", ["", "x", "too short", "         x         "])
@pytest.mark.parametrize("command", TURNS, ids=" ".join)
def test_what_changes_a_running_system_wants_a_reason_of_some_length(command, reason, nowhere, capsys):
    assert cli.run([*command, "--yes", "--reason", reason, "--json"]) == 2
    assert "at least 10" in json.loads(capsys.readouterr().out)["error"]["message"]


@pytest.mark.parametrize("command", TURNS, ids=" ".join)
def test_what_changes_a_running_system_asks_and_says_how_to_undo_it(command, nowhere, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert cli.run([*command, "--reason", LONG, "--json"]) == 1
    assert "say --yes" in json.loads(capsys.readouterr().out)["error"]["message"]
    cli.run([*command, "--help"])
    assert "Undo: `fundline" in " ".join(capsys.readouterr().out.split())


def test_every_command_speaks_json():
    silent = {path for path, command in LEAVES if not any("--json" in one.opts for one in command.params)}
    assert silent == WITHOUT_JSON


def test_the_version_is_told(capsys):
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("fundline ")


@pytest.mark.parametrize(
    ("words", "wanted"), [("fundline pay", "payment"), ("fundline payment re", "resume")]
)
def test_a_shell_completes_commands(words, wanted, monkeypatch, capsys):
    monkeypatch.setenv("_FUNDLINE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    assert cli.run([]) == 0
    assert wanted in capsys.readouterr().out.split()


def test_no_text_for_people_shows_a_value_as_python_writes_it():
    """`!r` gives quotes, None and escapes of Python."""
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for folder in ("commands", "stack", "risk")
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FormattedValue) and node.conversion == ord("r")
    ]
    assert found == []


def test_everything_that_is_printed_is_escaped_on_its_way():
    """One way to the terminal: `say`."""
    found = [
        str(file.relative_to(ROOT))
        for folder in ("commands", "stack")
        for file in (ROOT / folder).rglob("*.py")
        if "typer.echo(" in file.read_text() or "print(" in file.read_text().replace("console.print(", "")
    ]
    assert found == []


def test_errors_are_typed():
    assert not issubclass(CommandFailed, Refusal)
    assert issubclass(typer.BadParameter, typer.TyperException)
