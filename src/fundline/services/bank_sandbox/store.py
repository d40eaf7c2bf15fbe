"""The bank's ledger in SQLite: one row per order that the bank has answered, and rows never change."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCHEMA = """
create table if not exists payments (
    position        integer primary key autoincrement,  -- order of booking; the statement's cursor
    payment_id      text not null constraint payments_once unique,
    order_hash      blob not null,                      -- SHA-256 of the order: tells a repeat from another order
    status          text not null constraint payments_status_known check (status in ('settled', 'declined')),
    transaction_id  text constraint payments_transaction_once unique,
    decline_code    text,
    amount_minor    integer not null constraint payments_amount_positive check (amount_minor > 0),
    currency        text not null,
    payee_last4     text not null,                      -- the full number is never kept
    reference       text not null,
    booked_at       text not null,
    constraint payments_have_a_result check ((status = 'settled') = (transaction_id is not null)
        and (status = 'declined') = (decline_code is not null))
);
create trigger if not exists payments_never_change before update on payments
begin select raise(abort, 'a bank''s ledger is append-only'); end;
create trigger if not exists payments_never_go before delete on payments
begin select raise(abort, 'a bank''s ledger is append-only'); end;
"""
DURABLE = "pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 5000;"
"""With `full`, a commit returns when it is on disk: an answered payment outlives a power cut."""
READ_ONLY = "pragma query_only = on; pragma busy_timeout = 1000;"

_COLUMNS = """position, payment_id, order_hash, status, transaction_id, decline_code, amount_minor, currency,
       payee_last4, reference, booked_at"""
FIND_PAYMENT = f"select {_COLUMNS} from payments where payment_id = ?"  # noqa: S608 - a constant column list
READ_STATEMENT = f"select {_COLUMNS} from payments where position > ? order by position limit ?"  # noqa: S608 - the same
BOOK_PAYMENT = """
insert into payments (payment_id, order_hash, status, transaction_id, decline_code, amount_minor, currency,
                      payee_last4, reference, booked_at)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True, slots=True)
class BookedPayment:
    """`transaction_id` when settled, `decline_code` when declined. `booked_at` is ISO 8601 UTC."""

    position: int
    payment_id: str
    order_hash: bytes
    status: str
    transaction_id: str | None
    decline_code: str | None
    amount_minor: int
    currency: str
    payee_last4: str
    reference: str
    booked_at: str


def open_ledger(path: Path) -> sqlite3.Connection:
    """For the one writer. Makes the file and its tables when they are absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.executescript(DURABLE + SCHEMA)
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Sees what is committed; never waits for the writer. May be used by several threads."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.executescript(READ_ONLY)
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def find_payment(connection: sqlite3.Connection, payment_id: str) -> BookedPayment | None:
    row = connection.execute(FIND_PAYMENT, (payment_id,)).fetchone()
    return None if row is None else BookedPayment(*row)


def read_statement(connection: sqlite3.Connection, after_position: int, limit: int) -> list[BookedPayment]:
    return [BookedPayment(*row) for row in connection.execute(READ_STATEMENT, (after_position, limit))]


def book_payment(connection: sqlite3.Connection, payment: BookedPayment) -> None:
    """`payment.position` is given by the ledger and not read."""
    connection.execute(
        BOOK_PAYMENT,
        (
            payment.payment_id,
            payment.order_hash,
            payment.status,
            payment.transaction_id,
            payment.decline_code,
            payment.amount_minor,
            payment.currency,
            payment.payee_last4,
            payment.reference,
            payment.booked_at,
        ),
    )
