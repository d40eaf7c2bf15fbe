import importlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import fundline.commands
from fundline.cli import SUBCOMMANDS

SHELL = CliRunner()
FOLDERS = sorted(folder for folder in Path(fundline.commands.__path__[0]).iterdir() if folder.is_dir())
NOUNS = [folder for folder in FOLDERS if folder.name != "__pycache__"]


@pytest.mark.parametrize(("name", "module"), [(name, module) for name, module, _ in SUBCOMMANDS])
def test_the_help_of_a_group_shows_its_own_options_only(name, module):
    shown = SHELL.invoke(importlib.import_module(module).app, ["--help"])
    assert shown.exit_code == 0, name
    assert "--install-completion" not in shown.output


def test_each_noun_of_the_command_line_is_a_folder_of_its_name():
    wanted = {f"fundline.commands.{folder.name}.command": folder.name.replace("_", "-") for folder in NOUNS}
    wanted["fundline.demo.command"] = "demo"
    assert {module: name for name, module, _ in SUBCOMMANDS} == wanted
