import importlib

import pytest
from typer.testing import CliRunner

from fundline.cli import SUBCOMMANDS

SHELL = CliRunner()


@pytest.mark.parametrize(("name", "module"), [(name, module) for name, module, _ in SUBCOMMANDS])
def test_the_help_of_a_group_shows_its_own_options_only(name, module):
    shown = SHELL.invoke(importlib.import_module(module).app, ["--help"])
    assert shown.exit_code == 0, name
    assert "--install-completion" not in shown.output
