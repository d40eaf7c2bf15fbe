"""`fundline payment halt` and `resume`: the flag and who turned it."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from fundline.commands.payment.command import app
from fundline.platform.command_errors import CommandFailed
from fundline.platform.database import open_database
from fundline.platform.settings import DatabaseSettings
from fundline.stack.flags_file import DEFAULT_FLAGS

pytestmark = pytest.mark.integration


@pytest.fixture
def flags_file(tmp_path):
    file = tmp_path / "flags.json"
    file.write_bytes(DEFAULT_FLAGS.read_bytes())
    return file


def turn(*arguments: str, environment: dict[str, str]):
    return CliRunner().invoke(
        app, [*arguments, "--reason", "A wrong amount.", "--as", "olga"], env=environment
    )


def variant(file) -> str:
    return json.loads(file.read_bytes())["flags"]["payments"]["defaultVariant"]


def test_a_halt_and_its_end_are_in_the_flags_and_in_the_audit_trail(flags_file, database_url):
    environment = {"FUNDLINE_FLAGS_FILE": str(flags_file), "FUNDLINE_DATABASE_URL": database_url}
    assert turn("halt", environment=environment).exit_code == 0
    assert variant(flags_file) == "halted"
    assert turn("resume", environment=environment).exit_code == 0
    assert variant(flags_file) == "on"
    assert audit(database_url) == [
        ("command-line:olga", "payments.halted", "A wrong amount."),
        ("command-line:olga", "payments.resumed", "A wrong amount."),
    ]


def test_a_halt_works_without_the_database_and_a_resumption_does_not(flags_file):
    environment = {
        "FUNDLINE_FLAGS_FILE": str(flags_file),
        "FUNDLINE_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    }
    assert turn("halt", environment=environment).exit_code != 0
    assert variant(flags_file) == "halted"
    assert turn("resume", environment=environment).exit_code != 0
    assert variant(flags_file) == "halted"


def test_a_file_without_the_flag_is_said_so(flags_file, database_url):
    document = json.loads(flags_file.read_bytes())
    del document["flags"]["payments"]
    flags_file.write_text(json.dumps(document))
    environment = {"FUNDLINE_FLAGS_FILE": str(flags_file), "FUNDLINE_DATABASE_URL": database_url}
    outcome = turn("halt", environment=environment)
    assert isinstance(outcome.exception, CommandFailed)
    assert "no flag payments" in str(outcome.exception)


def audit(database_url: str) -> list[tuple[str, str, str]]:
    async def read():
        database = await open_database(DatabaseSettings(database_url=database_url))
        rows = await database.fetch(
            "select actor, action, reason from audit_entries where stream = 'payments' order by sequence"
        )
        await database.close()
        return [tuple(row) for row in rows]

    return asyncio.run(read())
