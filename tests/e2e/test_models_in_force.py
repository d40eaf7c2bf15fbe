"""Which model decides is changed while the fleet runs: by the command, in all workers, without a restart."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from fundline.platform.database import Database, open_database
from fundline.platform.settings import DatabaseSettings
from support.clients import browser, settled, submit

pytestmark = pytest.mark.e2e
CHAMPION, CHALLENGER = "scorecard-2", "lightgbm-1"


@contextlib.asynccontextmanager
async def database_of(fleet) -> AsyncIterator[Database]:
    opened = await open_database(DatabaseSettings(database_url=fleet.settings["FUNDLINE_DATABASE_URL"]))
    yield opened
    await opened.close()


def model(fleet, *arguments: str, people: tuple[str, ...] = ("olga", "omar")) -> None:
    """A promotion takes two people: each says the same."""
    for person in people:
        command = [sys.executable, "-m", "fundline.cli", "model", *arguments, "--home", str(fleet.home.root)]
        command += ["--as", person, "--yes", "--reason", "Tried by the tests."]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr


async def decided_by(fleet, client, database: Database) -> str:
    """The model that was asked about another application of the same person."""
    made = await submit(client, fleet)
    await settled(client, fleet, made["id"])
    rows = await database.fetch(
        "select model_asked from risk_assessments where application_id = $1::text::uuid", made["id"]
    )
    return rows[0]["model_asked"]


async def in_force(fleet, client, database: Database, version: str) -> None:
    async with asyncio.timeout(60):
        while await decided_by(fleet, client, database) != version:
            await asyncio.sleep(0.1)


async def test_a_promotion_and_a_rollback_are_in_force_without_a_restart(fleet):
    restarts = {record.instance: record.restarts for record in fleet.processes()}
    async with browser(fleet) as client, database_of(fleet) as database:
        try:
            await asyncio.to_thread(model, fleet, "promote", CHALLENGER, "--share", "100", "--force")
            await in_force(fleet, client, database, CHALLENGER)
            await asyncio.to_thread(model, fleet, "rollback", people=("olga",))
            await in_force(fleet, client, database, CHAMPION)
        finally:
            await asyncio.to_thread(model, fleet, "promote", CHALLENGER, "--share", "10", "--reset")
    assert {record.instance: record.restarts for record in fleet.processes()} == restarts
