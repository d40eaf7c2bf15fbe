"""Promise 33: an edit of any column that money rests on is found by name, by whomever it was done.

The incident: a superuser changed an application's amount after the payout, and `audit verify`, `ledger verify`,
`reconcile --full` and `decision replay` all passed.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from fundline.commands.audit.coverage import check_coverage
from fundline.platform.audit.findings import Finding
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import utc_now
from fundline.platform.database import Database
from fundline.platform.secrets import SecretBox
from fundline.records.audit_streams import application_stream
from fundline.records.recorded_rows import check_recorded_rows
from fundline.records.recorded_tables import RECORDED
from fundline.services.reconciler.records import Records
from support.approved_applications import AT, store_application
from support.money_columns import NO_MONEY, ON_EVIDENCE, TABLES_WITHOUT_MONEY
from support.recorded_world import ANOTHER, Spoiler, build_world

pytestmark = pytest.mark.integration
SENSIBLE = {
    ("applications", "status"): "'failed'",
    ("application_status_history", "status"): "'rejected'",
    ("disbursements", "state"): "'failed'",
    ("disbursements", "order_text"): "replace({0}, '50000.00', '50001.00')",
    ("cases", "state"): "'open'",
    ("ledger_accounts", "kind"): "'liability'",
    ("ledger_transfers", "purpose"): "'correction'",
    ("risk_assessments", "verdict"): "'rejected'",
}
"""Other values that our own programs can read; what they cannot read is found all the more."""


@pytest.fixture
async def spoiler(
    engines, database: Database, database_url: str, account_key_file, tmp_path
) -> AsyncIterator[Spoiler]:
    server = engines.stack.postgres.superuser_url.rsplit("/", 1)[0]
    superuser = await asyncpg.connect(f"{server}/{database_url.rsplit('/', 1)[1]}")
    await build_world(database, engines.cache_url, account_key_file, tmp_path)
    made = Spoiler(superuser)
    await made.disarm()
    yield made
    await superuser.close()


async def findings(database: Database) -> list[Finding]:
    """What `fundline audit verify` says of the tables."""
    found = [finding async for finding in check_recorded_rows(database)]
    return found + [finding async for finding in check_coverage(database)]


async def test_every_column_is_classified(spoiler):
    """A new column is recorded in the trail, or says why no money rests on it."""
    known = {
        (table.name, column): "recorded" for table in RECORDED for column in (*table.key, *table.columns)
    }
    known |= dict.fromkeys(ON_EVIDENCE, "evidence")
    excused = {
        (table, column): reason for table, columns in NO_MONEY.items() for column, reason in columns.items()
    }
    assert not known.keys() & excused.keys()
    there = {
        (table, column)
        for table in await spoiler.tables()
        if table not in TABLES_WITHOUT_MONEY
        for column in await spoiler.columns(table)
    }
    assert there == known.keys() | excused.keys()
    assert all(TABLES_WITHOUT_MONEY.values())
    assert all(excused.values())


async def test_each_edit_is_found_by_table_column_and_row(spoiler, database):
    await spoiler.lift_rules()
    assert await findings(database) == []
    missed = []
    for table in RECORDED:
        types = await spoiler.columns(table.name)
        evidence = [column for name, column in ON_EVIDENCE if name == table.name]
        for column in (*table.key, *table.columns, *evidence):
            to = SENSIBLE.get((table.name, column), ANOTHER[types[column]]).format(column)
            edited = await spoiler.edit(table.name, column, to)
            assert edited["before"] != edited["after"], (table.name, column)
            found = await findings(database)
            await spoiler.put_back(table.name, column, edited)
            named = {(finding.table, finding.column) for finding in found if finding.row}
            wanted = (table.name, None if column in table.key else column)
            if wanted not in named:
                missed.append((table.name, column, [finding.sentence for finding in found]))
    assert missed == []
    assert await findings(database) == []


async def test_a_deleted_row_is_found_in_every_table(spoiler, database):
    await spoiler.lift_rules()
    missed = []
    for table in RECORDED:
        row = await spoiler.take_out(table.name)
        found = {(finding.kind, finding.table) for finding in await findings(database)}
        await spoiler.put_in(table.name, row)
        if ("row_missing", table.name) not in found:
            missed.append((table.name, found))
    assert missed == []
    assert await findings(database) == []


async def test_a_row_that_was_put_in_is_found_in_every_table(spoiler, database):
    """A forged payment, assessment, decision, posting, correction, limit."""
    await spoiler.lift_rules()
    missed = []
    for table in RECORDED:
        key, type_ = next(reversed(table.key.items()))
        before = await spoiler.places(table.name)
        another = ANOTHER[{"int": "integer"}.get(type_, type_)].format(key)
        await spoiler.copy(table.name, key, another)
        found = {(finding.kind, finding.table) for finding in await findings(database)}
        await spoiler.remove_copy(table.name, before)
        if ("row_unrecorded", table.name) not in found:
            missed.append((table.name, found))
    assert missed == []
    assert await findings(database) == []


async def test_a_stream_from_before_rows_were_recorded_is_compared_in_what_its_entries_say(
    database, account_key_file
):
    application_id = await store_application(database, SecretBox(account_key_file), status="rejected")
    stream = application_stream(application_id)
    async with database.transaction() as connection:
        await record(
            connection, AuditEntry(stream, "old", "application.processing", AT, details={"sequence": 1})
        )
        await record(
            connection, AuditEntry(stream, "old", "application.approved", AT, details={"sequence": 3})
        )
    named = {(one.kind, one.table, one.column) async for one in check_recorded_rows(database)}
    assert ("column_changed", "applications", "status") in named
    assert not [one for one in named if one[0] == "row_unrecorded"]


async def test_the_reconciler_gives_an_edited_amount_to_a_person_until_it_is_put_back(spoiler, database):
    records = Records(database, batch=100)
    assert await records.look(at=utc_now(), full=True) == []
    edited = await spoiler.edit("applications", "amount_minor", "amount_minor + 1")
    sentences = [finding.sentence for finding in await records.look(at=utc_now(), full=True)]
    assert any(
        "applications.amount_minor of" in sentence and "it was edited" in sentence for sentence in sentences
    )
    assert any("disbursements.amount_minor of" in sentence for sentence in sentences)
    assert await open_cases(database) == len(sentences)
    await spoiler.put_back("applications", "amount_minor", edited)
    assert await records.look(at=utc_now(), full=True) == []
    assert await open_cases(database) == 0


async def open_cases(database: Database) -> int:
    row = await database.fetchrow(
        "select count(*) as open from cases where kind = 'audit_broken' and state = 'open'"
    )
    return row["open"]
