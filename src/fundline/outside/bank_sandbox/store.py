"""All SQL of the bank. What has happened (orders, outcomes, bookings) never changes; what is to do is a work list.

An order is accepted once per payment id. Its outcome, at once or later, is settled or declined; a settled one is
booked: one row that debits the customer and credits the payee, so the books balance by their form.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FUNDING_ACCOUNT = "customer:funding"
_NEVER_CHANGES = "begin select raise(abort, 'a bank''s ledger is append-only'); end;"
_HISTORY = ("orders", "outcomes", "bookings", "returns")
SCHEMA = """
create table if not exists orders (
    payment_id      text primary key,
    order_hash      blob not null,      -- SHA-256 of the order: tells a repeat from another order
    amount_minor    integer not null constraint orders_amount_positive check (amount_minor > 0),
    currency        text not null,
    payee_last4     text not null,      -- the full number is never kept
    reference       text not null,
    accepted_at     text not null
) strict;
create table if not exists outcomes (
    position        integer primary key autoincrement,  -- order of booking; the statement's cursor
    payment_id      text not null constraint outcomes_once unique references orders (payment_id),
    status          text not null constraint outcomes_status_known check (status in ('settled', 'declined')),
    transaction_id  text constraint outcomes_transaction_once unique,
    decline_code    text,
    booked_at       text not null,
    constraint outcomes_have_a_result check ((status = 'settled') = (transaction_id is not null)
        and (status = 'declined') = (decline_code is not null))
) strict;
create table if not exists bookings (
    transaction_id  text primary key references outcomes (transaction_id),
    debit_account   text not null,
    credit_account  text not null constraint bookings_two_sides check (credit_account <> debit_account),
    amount_minor    integer not null constraint bookings_amount_positive check (amount_minor > 0),
    currency        text not null
) strict;
create table if not exists returns (    -- settled, and the money came back: booked from the payee to the customer
    position        integer primary key,                -- in one row of numbers with the outcomes'
    payment_id      text not null constraint returns_once unique references outcomes (payment_id),
    return_id       text not null constraint returns_transaction_once unique,
    code            text not null,
    booked_at       text not null
) strict;
create table if not exists pending_returns (
    payment_id      text primary key references orders (payment_id),
    after_ms        integer not null,
    due_at_ms       integer,            -- null: not settled yet
    code            text not null,
    notices         integer not null
) strict;
create table if not exists pending (    -- accepted and not settled yet
    payment_id      text primary key references orders (payment_id),
    due_at_ms       integer not null,
    decline_code    text,               -- what it will come to was decided when it was accepted
    notices         integer not null
) strict;
create index if not exists pending_by_time on pending (due_at_ms);
create table if not exists webhooks (   -- outcomes that the customer has not confirmed yet
    webhook_id      text primary key,   -- the receiver's idempotency key: a duplicate carries the same
    payment_id      text not null references outcomes (payment_id),
    sends_left      integer not null,
    attempts        integer not null default 0,
    next_at_ms      integer not null
) strict;
create index if not exists webhooks_by_time on webhooks (next_at_ms);
""" + "".join(
    f"create trigger if not exists {table}_never_{change} before {change} on {table} {_NEVER_CHANGES}\n"
    for table in _HISTORY
    for change in ("update", "delete")
)
DURABLE = """
pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 5000; pragma foreign_keys = on;
"""
"""With `full`, a commit returns when it is on disk: an answered payment outlives a power cut."""
READ_ONLY = "pragma query_only = on; pragma busy_timeout = 1000;"

_PAYMENT = """
select coalesce(outcomes.position, 0), payment_id, order_hash,
       case when return_id is not null then 'returned' else coalesce(status, 'accepted') end,
       transaction_id, decline_code,
       orders.amount_minor, orders.currency, payee_last4, reference, accepted_at, outcomes.booked_at,
       return_id, returns.code, returns.booked_at
from orders left join outcomes using (payment_id) left join returns using (payment_id)
"""
FIND_PAYMENT = f"{_PAYMENT} where payment_id = ?"
_RETURNS = """
select returns.position, payment_id, order_hash, 'returned', transaction_id, null, orders.amount_minor, orders.currency,
       payee_last4, reference, accepted_at, outcomes.booked_at, return_id, returns.code, returns.booked_at
from returns join outcomes using (payment_id) join orders using (payment_id)
"""
_LINES = f"""
select * from (
    select position, payment_id, order_hash, status, transaction_id, decline_code,
           coalesce(bookings.amount_minor, orders.amount_minor), coalesce(bookings.currency, orders.currency),
           payee_last4, reference, accepted_at, booked_at, null, null, null
    from outcomes join orders using (payment_id) left join bookings using (transaction_id)
    union all {_RETURNS}
)
"""  # noqa: S608 - our own texts
"""What a settled line says of money comes from the booking; a declined order moved none. A return has its own line."""
READ_STATEMENT = f"{_LINES} where position > ? order by position limit ?"
READ_BOOKED = f"{_LINES} where position > ? and status <> 'declined' order by position limit ?"
READ_BALANCES = """
select currency, sum(amount_minor) from (
    select position, bookings.currency, bookings.amount_minor from outcomes join bookings using (transaction_id)
    union all
    select returns.position, orders.currency, -orders.amount_minor from returns join orders using (payment_id)
) where position <= ? group by currency order by currency
"""
READ_RETURNS = f"{_RETURNS} where returns.position > ? order by returns.position"
ADD_ORDER = """
insert into orders (payment_id, order_hash, amount_minor, currency, payee_last4, reference, accepted_at)
values (?, ?, ?, ?, ?, ?, ?)
"""
ADD_OUTCOME = """
insert into outcomes (position, payment_id, status, transaction_id, decline_code, booked_at)
values ((select coalesce(max(position), 0) + 1
         from (select position from outcomes union all select position from returns)),
        ?, ?, ?, ?, ?)
"""
ADD_RETURN = """
insert into returns (position, payment_id, return_id, code, booked_at)
values ((select coalesce(max(position), 0) + 1
         from (select position from outcomes union all select position from returns)),
        ?, ?, ?, ?)
"""
PLAN_RETURN = "insert into pending_returns (payment_id, after_ms, code, notices) values (?, ?, ?, ?)"
START_RETURN = "update pending_returns set due_at_ms = ? + after_ms where payment_id = ?"
DROP_RETURN = "delete from pending_returns where payment_id = ?"
READ_DUE_RETURNS = """
select payment_id, code, notices from pending_returns where due_at_ms <= ? order by due_at_ms limit ?
"""
BOOK = """
insert into bookings (transaction_id, debit_account, credit_account, amount_minor, currency)
select ?, ?, 'payee:' || payee_last4, amount_minor, currency from orders where payment_id = ?
"""
ADD_PENDING = "insert into pending (payment_id, due_at_ms, decline_code, notices) values (?, ?, ?, ?)"
READ_DUE = """
select payment_id, decline_code, notices from pending where due_at_ms <= ? order by due_at_ms limit ?
"""
DROP_PENDING = "delete from pending where payment_id = ?"
NEXT_DUE = "select min(due_at_ms) from (select due_at_ms from pending union all select due_at_ms from pending_returns)"
ADD_WEBHOOK = "insert into webhooks (webhook_id, payment_id, sends_left, next_at_ms) values (?, ?, ?, ?)"
READ_WEBHOOKS = """
select webhook_id, payment_id, attempts from webhooks where next_at_ms <= ? order by next_at_ms limit ?
"""
NOTE_SENT = "update webhooks set sends_left = sends_left - 1, next_at_ms = ? where webhook_id = ?"
DROP_DELIVERED = "delete from webhooks where sends_left <= 0"
NOTE_REFUSED = "update webhooks set attempts = attempts + 1, next_at_ms = ? where webhook_id = ?"
NEXT_WEBHOOK = "select min(next_at_ms) from webhooks"
COUNT_ALL = """
select (select count(*) from orders), (select count(*) from outcomes where status = 'settled'),
       (select count(*) from outcomes where status = 'declined'), (select count(*) from pending),
       (select count(*) from webhooks), (select count(*) from returns)
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What the bank keeps of an order. `accepted_at` is ISO 8601 UTC."""

    payment_id: str
    order_hash: bytes
    amount_minor: int
    currency: str
    payee_last4: str
    reference: str
    accepted_at: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of an order: declined with a code or settled, now or later, and how often the customer is told."""

    decline_code: str | None = None
    due_at_ms: int | None = None
    """None: at once."""
    notices: int = 0
    return_after_ms: int | None = None
    """None: what is settled stays settled."""
    return_code: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """`status`: accepted, settled (with `transaction_id`), declined (with `decline_code`) or returned (with both
    `transaction_id` and what begins with `return_`). Times are ISO 8601 UTC.

    `position` is 0 while it is only accepted.
    """

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
    accepted_at: str
    booked_at: str | None
    return_id: str | None = None
    return_code: str | None = None
    returned_at: str | None = None


@dataclass(frozen=True, slots=True)
class DueWebhook:
    webhook_id: str
    payment_id: str
    attempts: int


class LedgerOfAnEarlierForm(RuntimeError):
    """The file was written by an earlier Fundline: without its payments the bank would pay them again."""


def open_ledger(path: Path) -> sqlite3.Connection:
    """For the one writer. Makes the file and its tables when they are absent. Raises LedgerOfAnEarlierForm."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    if connection.execute("select 1 from sqlite_master where name = 'payments'").fetchone():
        raise LedgerOfAnEarlierForm(
            f"{path} has the form of an earlier version; `make reset` starts a new one."
        )
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
        connection.execute("commit")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it already; a commit that failed has not
            connection.execute("rollback")
        raise


def find_payment(connection: sqlite3.Connection, payment_id: str) -> Payment | None:
    row = connection.execute(FIND_PAYMENT, (payment_id,)).fetchone()
    return None if row is None else Payment(*row)


def read_statement(
    connection: sqlite3.Connection, after_position: int, limit: int, *, booked_only: bool = False
) -> list[Payment]:
    """`booked_only`: without what was declined."""
    read = READ_BOOKED if booked_only else READ_STATEMENT
    return [Payment(*row) for row in connection.execute(read, (after_position, limit))]


def read_balances(connection: sqlite3.Connection, up_to: int) -> dict[str, int]:
    """By currency, in minor units, what has gone from the customers' account up to a position."""
    return dict(connection.execute(READ_BALANCES, (up_to,)).fetchall())


def read_returns(connection: sqlite3.Connection, after_position: int) -> list[Payment]:
    """What has come back behind a position, oldest first."""
    return [Payment(*row) for row in connection.execute(READ_RETURNS, (after_position,))]


def count_all(connection: sqlite3.Connection) -> dict[str, int]:
    names = ("orders", "settled", "declined", "pendingSettlements", "pendingWebhooks", "returned")
    return dict(zip(names, connection.execute(COUNT_ALL).fetchone(), strict=True))
