"""What must hold after every test that touches money, whatever the test was about (tests/conftest.py asks for it).

1. Debits = credits, and each payment stands in the books where its state says.
2. What we call paid is what the bank's own ledger has, one to one, and no application is paid twice.
3. On the fleet: nothing is in a state that is not final past the deadline of that state.

A test that breaks the books on purpose says so: `@pytest.mark.breaks_the_books("why")`; one whose bank is a stand-in
without a ledger of its own: `@pytest.mark.has_no_banks_ledger("why")`.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx

from fundline.demo.books import read_books
from fundline.demo.checks import checks_within, judge, run_checks
from fundline.domain.money import Money
from fundline.outside.bank_sandbox.store import READ_STATEMENT, Payment
from fundline.platform.database import open_database
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import DatabaseSettings
from fundline.records.books import BankDifference, StatementLine, differences

SETTLES_WITHIN_S = 60.0
_LOOK_AGAIN_S = 0.5
_HAS_MONEY = "select exists (select 1 from disbursements) or exists (select 1 from ledger_transfers)"
_OVERDUE = """
select u.what, u.application_id, u.state from unfinished_states u join state_deadlines d using (what, state)
where u.since + d.deadline < now() order by u.since limit 10
"""
Problems = list[str]


def problems_of_own_database(database_url: str, bank_ledgers: Sequence[Path] | None) -> Problems:
    """After a test with a database of its own. `bank_ledgers`: the files of the banks that ran in it; None: the bank
    is not asked."""
    return _in_a_thread(lambda: _own_problems(database_url, bank_ledgers))


def problems_of_fleet(database_url: str, bank_url: str) -> Problems:
    """After a test on the fleet; waits while something is on its way."""
    return _in_a_thread(lambda: _fleet_problems(database_url, bank_url))


async def problems_at_rest(settings: Mapping[str, str]) -> Problems:
    """Of all three checks, once what is on its way has arrived: also what was accepted when nobody listened any more.

    `settings`: a stack's.
    """
    database_url, bank_url = settings["FUNDLINE_DATABASE_URL"], settings["FUNDLINE_BANK_URL"]
    return (await checks_within(SETTLES_WITHIN_S, lambda: run_checks(database_url, bank_url))).problems()


def _in_a_thread(work: Callable[[], Awaitable[Problems]]) -> Problems:
    """A fixture that is not a coroutine may not start a loop of its own where pytest has one."""

    async def run() -> Problems:
        return await work()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(lambda: asyncio.run(run())).result()


async def _own_problems(database_url: str, bank_ledgers: Sequence[Path] | None) -> Problems:
    statement = [line for ledger in bank_ledgers or () for line in _statement_of(ledger)]
    connection = await asyncpg.connect(database_url, timeout=30)
    try:
        has_money = await connection.fetchval(_HAS_MONEY)
    finally:
        await connection.close()
    if not has_money and not statement:
        return []
    database = await open_database(
        DatabaseSettings(database_url=database_url, instance="three-checks", database_pool_size=1)
    )
    try:
        books = await read_books(database)
    finally:
        await database.close()
    checks = judge(books, statement)
    found = list(checks.ledger_problems)
    if bank_ledgers:
        by_kind = differences(books.payments, statement)
        by_kind.pop(BankDifference.NO_RESULT_HERE)  # the test ended while a payment was on its way
        found += [f"{kind}: {ids}" for kind, ids in by_kind.items() if ids]
        found += [f"paid twice: {checks.twice_paid}"] if checks.twice_paid else []
    return found


def _statement_of(ledger: Path) -> list[StatementLine]:
    """From the bank's own file: its process may be dead by now."""
    with closing(sqlite3.connect(ledger, timeout=30)) as connection:
        rows = connection.execute(READ_STATEMENT, (0, 1_000_000)).fetchall()
    return [
        StatementLine(
            UUID(line.payment_id),
            line.status == "settled",
            Money(line.amount_minor, line.currency),
            line.transaction_id,
            line.reference,
            line.status == "returned",
        )
        for line in (Payment(*row) for row in rows)
    ]


async def _fleet_problems(database_url: str, bank_url: str) -> Problems:
    deadline = time.monotonic() + SETTLES_WITHIN_S
    while True:
        try:
            checks = await run_checks(database_url, bank_url)
            found = [*checks.ledger_problems, *checks.bank_problems, *map(str, checks.twice_paid)]
            found += await _overdue(database_url)
        except (Unavailable, httpx.HTTPError, OSError) as away:
            found = [f"the checks could not be made: {away!r}"]
        if not found or time.monotonic() > deadline:
            return found
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _overdue(database_url: str) -> Problems:
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        rows = await connection.fetch(_OVERDUE)
    finally:
        await connection.close()
    return [
        f"the {row['what']} of {row['application_id']} is {row['state']} past its deadline" for row in rows
    ]
