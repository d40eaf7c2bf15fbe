"""A bank whose ledger is locked or full answers so, books nothing, and goes on afterwards without a restart."""

import sqlite3

import pytest

from fundline.outside.bank_sandbox.bookkeeper import Bookkeeper, LedgerUnavailable
from fundline.outside.bank_sandbox.store import count_all, transaction

ORDER = "insert into orders values (?, x'00', 1, 'USD', '1234', ?, '2026-11-27T00:00:00Z')"


@pytest.fixture
async def bookkeeper(tmp_path):
    opened = Bookkeeper(tmp_path / "bank.sqlite")
    yield opened
    await opened.close()


async def test_a_disk_that_is_full_refuses_and_lets_go_on_once_there_is_room(bookkeeper):
    pages = await bookkeeper.write(lambda ledger: ledger.execute("pragma page_count").fetchone()[0])
    await bookkeeper.write(lambda ledger: ledger.execute(f"pragma max_page_count = {pages}").fetchone())
    for number in range(2):
        with pytest.raises(LedgerUnavailable):
            await bookkeeper.write(
                lambda ledger, key=number: ledger.execute(ORDER, (str(key), "x" * 100_000))
            )
    assert (await bookkeeper.read(count_all))["orders"] == 0
    await bookkeeper.write(lambda ledger: ledger.execute("pragma max_page_count = 100000").fetchone())
    await bookkeeper.write(lambda ledger: ledger.execute(ORDER, ("later", "x")))
    assert (await bookkeeper.read(count_all))["orders"] == 1


async def test_a_ledger_that_somebody_else_has_locked_is_unavailable_until_it_is_free(bookkeeper, tmp_path):
    await bookkeeper.write(lambda ledger: ledger.execute("pragma busy_timeout = 50").fetchone())
    other = sqlite3.connect(tmp_path / "bank.sqlite", isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(LedgerUnavailable):
        await bookkeeper.write(lambda ledger: ledger.execute(ORDER, ("first", "x")))
    assert (await bookkeeper.read(count_all))["orders"] == 0, "reading goes on"
    other.execute("rollback")
    other.close()
    await bookkeeper.write(lambda ledger: ledger.execute(ORDER, ("second", "x")))
    assert (await bookkeeper.read(count_all))["orders"] == 1


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR | 1 << 8, sqlite3.SQLITE_FULL])
async def test_a_ledger_that_cannot_be_read_now_is_unavailable(bookkeeper, code):
    def fail(_: sqlite3.Connection) -> None:
        error = sqlite3.OperationalError("not now")
        error.sqlite_errorcode = code
        raise error

    with pytest.raises(LedgerUnavailable):
        await bookkeeper.read(fail)


async def test_a_statement_that_is_wrong_stays_a_bug(bookkeeper):
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await bookkeeper.read(lambda ledger: ledger.execute("select * from ledgers"))


def test_a_commit_that_fails_leaves_no_transaction_open():
    """Otherwise each later order would meet a transaction within a transaction, until a restart."""
    ledger = sqlite3.connect(":memory:", isolation_level=None)
    ledger.execute("pragma foreign_keys = on")
    ledger.execute("create table parent (id integer primary key)")
    ledger.execute("create table child (parent integer references parent (id) deferrable initially deferred)")
    with pytest.raises(sqlite3.IntegrityError), transaction(ledger):
        ledger.execute("insert into child values (1)")
    with transaction(ledger):
        ledger.execute("insert into parent values (1)")
    assert ledger.execute("select count(*) from child").fetchone() == (0,)
