"""The switch of payments: one person halts, two let go on; by the API, by the command, and by the emergency door."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from fundline.commands.payment.command import app
from fundline.contracts.roles import Role
from fundline.platform.clock import utc_now
from fundline.platform.command_errors import CommandFailed
from fundline.platform.database import open_database
from fundline.platform.flag_file import FlagFile, FlagFileUnusable, read_flags
from fundline.platform.identity import Caller
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import DatabaseSettings
from fundline.records.payments_flag import payments_are
from fundline.services.operations_api.payments_switch.deeds import PaymentsNotHalted, SwitchDeeds
from fundline.services.operations_api.payments_switch.journal import halt_here, journal_of, put_on_record
from fundline.services.operations_api.payments_switch.reading import Switch
from support.writes import once

pytestmark = pytest.mark.integration
REASON = "A wrong amount was seen."
OLGA, OMAR = Caller("olga", Role.OPERATOR), Caller("omar", Role.OPERATOR)
NOWHERE = "postgresql://nobody@127.0.0.1:9/none"


@pytest.fixture
def deeds(database, flags_file) -> SwitchDeeds:
    return SwitchDeeds(database, FlagFile(flags_file))


@pytest.fixture
def switch(database, flags_file) -> Switch:
    return Switch(database, FlagFile(flags_file))


def variant(file) -> str:
    return payments_are(read_flags(file))


async def audit(database) -> list[tuple[str, str, str]]:
    rows = await database.fetch(
        "select actor, action, reason from audit_entries where stream = 'payments' order by sequence"
    )
    return [tuple(row) for row in rows]


async def test_one_halts_and_two_let_payments_go_on_and_all_is_on_record(database, deeds, flags_file, switch):
    assert (await deeds.halt(OLGA, REASON, once("olga"))).state == "halted"
    assert variant(flags_file) == "halted"
    asked = await deeds.resume(OLGA, REASON, once("olga"))
    assert (asked.state, asked.resume_asked_by, variant(flags_file)) == ("halted", "olga", "halted")
    assert (await switch.read()).resume_reason == REASON
    assert (await deeds.resume(OMAR, "I have seen it too.", once("omar"))).state == "on"
    assert variant(flags_file) == "on"
    assert await audit(database) == [
        ("operations-api:olga", "payments.halted", REASON),
        ("operations-api:olga", "payments.resume_asked", REASON),
        ("operations-api:omar", "payments.resumed", "I have seen it too."),
    ]


@pytest.mark.parametrize("again", ["olga", "OLGA", "\uff4flga", "ol ga"])
async def test_nobody_resumes_alone_however_they_are_spelled(deeds, flags_file, again):
    await deeds.halt(OLGA, REASON, once("olga"))
    for subject in ("olga", again, "olga"):
        told = await deeds.resume(Caller(subject, Role.OPERATOR), REASON, once(subject))
        assert told.state == "halted"
    assert variant(flags_file) == "halted"


async def test_a_second_halt_withdraws_what_was_asked_for(deeds, flags_file):
    await deeds.halt(OLGA, REASON, once("olga"))
    await deeds.resume(OLGA, REASON, once("olga"))
    await deeds.halt(OLGA, "It is still wrong.", once("olga"))
    assert (await deeds.resume(OMAR, REASON, once("omar"))).state == "halted"
    assert variant(flags_file) == "halted"


async def test_what_is_not_halted_is_not_resumed(deeds):
    with pytest.raises(PaymentsNotHalted):
        await deeds.resume(OLGA, REASON, once("olga"))


class Away:
    """A database that does not answer."""

    def transaction(self):
        raise Unavailable("The database does not answer.")

    async def fetchrow(self, *_):
        raise Unavailable("The database does not answer.")


async def test_a_halt_works_without_the_database_and_a_resumption_does_not(database, flags_file):
    blind = SwitchDeeds(Away(), FlagFile(flags_file))
    with pytest.raises(Unavailable, match="Payments are halted"):
        await blind.halt(OLGA, REASON, once("olga"))
    assert variant(flags_file) == "halted"
    with pytest.raises(Unavailable):
        await blind.resume(OMAR, REASON, once("omar"))
    assert variant(flags_file) == "halted"
    assert await put_on_record(database, flags_file) == 1
    assert await audit(database) == [("operations-api:olga", "payments.halted", REASON)]


async def test_two_instances_put_a_halt_on_record_once(database, flags_file):
    halt_here(flags_file, "emergency:olga", REASON, at=utc_now())
    kept = journal_of(flags_file).read_text()
    assert sum(await asyncio.gather(*(put_on_record(database, flags_file) for _ in range(4)))) == 1
    journal_of(flags_file).write_text(kept)  # killed between the commit and the end of the note
    assert await put_on_record(database, flags_file) == 0
    assert not journal_of(flags_file).exists()
    assert await audit(database) == [("emergency:olga", "payments.halted", REASON)]


async def test_a_file_without_the_flag_is_said_so(deeds, flags_file):
    document = json.loads(flags_file.read_bytes())
    del document["flags"]["payments"]
    flags_file.write_text(json.dumps(document))
    with pytest.raises(FlagFileUnusable, match="no flag payments"):
        await deeds.halt(OLGA, REASON, once("olga"))


@pytest.mark.parametrize("role", ["operator", "compliance", "underwriter", "applicant", "partner"])
async def test_only_operators_turn_the_switch(operations, headers, role):
    answer = await operations.post(
        "/v1/payments-switch/halt", json={"reason": REASON}, headers=headers("olga", role)
    )
    assert answer.status_code == (200 if role == "operator" else 403)


@pytest.mark.parametrize("reason", ["", "no", "         x", "123456789"])
async def test_a_reason_of_some_length_is_wanted(operations, operator_headers, reason, flags_file):
    answer = await operations.post(
        "/v1/payments-switch/halt", json={"reason": reason}, headers=operator_headers()
    )
    assert (answer.status_code, variant(flags_file)) == (422, "on")


def emergency(flags_file, database_url: str, *more: str):
    environment = {"FUNDLINE_FLAGS_FILE": str(flags_file), "FUNDLINE_DATABASE_URL": database_url}
    arguments = ["halt", "--emergency", "--reason", REASON, "--as", "olga", *more]
    return CliRunner().invoke(app, arguments, env=environment)


def entries(database_url: str) -> list[tuple[str, str, str]]:
    async def read():
        database = await open_database(DatabaseSettings(database_url=database_url))
        found = await audit(database)
        await database.close()
        return found

    return asyncio.run(read())


def test_the_emergency_door_halts_and_is_on_record_at_once_when_the_database_is_there(
    flags_file, database_url
):
    told = emergency(flags_file, database_url, "--yes", "--json")
    assert json.loads(told.stdout) == {
        "state": "halted",
        "before": "on",
        "by": "emergency:olga",
        "recorded": True,
    }
    assert variant(flags_file) == "halted"
    assert entries(database_url) == [("emergency:olga", "payments.halted", REASON)]


def test_the_emergency_door_works_without_anything_else_and_is_noted(flags_file, database_url):
    told = emergency(flags_file, NOWHERE, "--yes")
    assert told.exit_code == 0
    assert "on record as soon as it can be" in told.output
    assert variant(flags_file) == "halted"
    assert asyncio.run(recorded(database_url, flags_file)) == 1


async def recorded(database_url: str, flags_file) -> int:
    database = await open_database(DatabaseSettings(database_url=database_url))
    try:
        return await put_on_record(database, flags_file)
    finally:
        await database.close()


def test_the_emergency_door_asks_first(flags_file):
    told = emergency(flags_file, NOWHERE)
    assert isinstance(told.exception, CommandFailed)
    assert "say --yes" in str(told.exception)
    assert variant(flags_file) == "on"
