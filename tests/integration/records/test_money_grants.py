"""What the processes' own role may not do, whatever a bug or an intruder makes them say."""

import asyncpg
import pytest

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("applications", "amount_minor = 1"),
        ("applications", "currency = 'JPY'"),
        ("applications", "user_id = 'mallory'"),
        ("cases", "kind = 'application_stuck'"),
        ("cases", "subject = 'another'"),
        ("dead_letters", "moves_money = false"),
        ("dead_letters", "payload = ''"),
        ("ledger_corrections", "requested_by = 'mallory'"),
        ("ledger_corrections", "instead = null"),
    ],
)
async def test_what_four_eyes_and_payments_rest_on_cannot_be_changed_by_a_process(database, table, change):
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f"permission denied for table {table}"):
        await database.execute(f"update {table} set {change}")  # noqa: S608 - our own words


@pytest.mark.parametrize("table", ["applications", "disbursements", "cases", "dead_letters", "audit_entries"])
async def test_a_process_deletes_no_record_of_money(database, table):
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=f"permission denied for table {table}"):
        await database.execute(f"delete from {table}")  # noqa: S608 - our own words
