"""The SQL of comparing our payments with the bank's statement."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fundline.banks.statement import START
from fundline.domain.money import Money
from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql
from fundline.records.books import Payment, StatementLine, payment_of
from fundline.services.reconciler.findings import SOURCE

PLACE = "select cursor, first_line from bank_statement_cursors where bank = $1"
KEEP_PLACE = """
insert into bank_statement_cursors (bank, cursor, first_line, read_at) values ($1, $2, $3, $4)
on conflict (bank) do update
set cursor = excluded.cursor, first_line = excluded.first_line, read_at = excluded.read_at
"""
LOST_BEHIND = """
select exists (
    select 1 from bank_statement_lines
    where bank = $1 and seen_at < $3
        and line > (select line from bank_statement_lines where bank = $1 and line_hash = $2)
)
"""
HOW_MANY_GONE = "select count(distinct payment_id) from bank_statement_lines where bank = $1 and seen_at < $2"
KEEP_LINES = Sql("""
insert into bank_statement_lines
    (bank, line_hash, payment_id, is_paid, amount_minor, currency, transaction_id, reference, is_returned, read_at,
     seen_at)
select :bank, line_hash, payment_id, is_paid, amount_minor, currency, transaction_id, reference, is_returned, :at, :at
from unnest(:hashes::bytea[], :payments::uuid[], :are_paid::bool[], :amounts_minor::bigint[], :currencies::text[],
            :transactions::text[], :references::text[], :are_returned::bool[])
     as line (line_hash, payment_id, is_paid, amount_minor, currency, transaction_id, reference, is_returned)
on conflict on constraint bank_statement_lines_once do update set seen_at = excluded.seen_at
""")
LINES = """
select line, payment_id, is_paid, amount_minor, currency, transaction_id, reference, is_returned, read_at
from bank_statement_lines where bank = $1 and line > $2 and ($3 or matched_at is null) order by line limit $4
"""
PAYMENTS = """
select payment_id, application_id, amount_minor, currency, state, transaction_id from disbursements
where payment_id = any($1)
"""
MATCHED_LINES = """
select payment_id, is_returned, line from bank_statement_lines where payment_id = any($1) and matched_at is not null
"""
MATCH = "update bank_statement_lines set matched_at = $2 where line = any($1) and matched_at is null"
WITHOUT_LINE = """
with page as materialized (
    select payment_id, application_id, amount_minor, currency, state, transaction_id, finished_at from disbursements
    where state = 'settled' and finished_at <= $1 and (finished_at, payment_id) > ($2, $3)
    order by finished_at, payment_id limit 5000
), missing as (
    select * from page where not exists (select 1 from bank_statement_lines l where l.payment_id = page.payment_id)
    order by finished_at, payment_id limit $4 + 1
)
select missing.*, finish.at as page_ends_at, finish.payment_id as page_ends_with
from (select finished_at as at, payment_id from page order by finished_at desc, payment_id desc limit 1) finish
left join missing on true
order by missing.finished_at, missing.payment_id
"""
"""A page at a time: by ten million payments one statement would outlast the longest time for one."""
GONE = """
select distinct payment_id from bank_statement_lines where bank = $1 and seen_at < $2 order by payment_id limit $3
"""
EXPLAINED = """
select 1 from cases
where kind = 'bank_mismatch' and subject = $1 and state = 'resolved' and resolved_by <> $2
    and details ->> 'difference' = $3
limit 1
"""
OPEN_MISMATCHES = """
select subject from cases
where kind = 'bank_mismatch' and state = 'open' and opened_by = $1 and subject = any($2)
"""

Place = tuple[datetime, UUID]
"""Of a payment in the order of settling."""


def place_at(moment: datetime | None) -> Place:
    """Before everything that settled then or later; None: before everything."""
    return (datetime.min.replace(tzinfo=UTC) if moment is None else moment, UUID(int=0))


@dataclass(frozen=True, slots=True)
class KeptLine:
    """A line of the statement as we have read it. `line` is our number for it."""

    line: int
    content: StatementLine
    read_at: datetime


@dataclass(frozen=True, slots=True)
class ReadingPlace:
    """Where reading goes on: at the beginning of a page whose first line we know, by its hash."""

    cursor: str
    first_line: bytes


async def place(database: Database, bank: str) -> ReadingPlace | None:
    """None: at the start of the statement."""
    row = await database.fetchrow(PLACE, bank)
    if row is None or row["first_line"] is None:
        return None
    return ReadingPlace(row["cursor"], row["first_line"])


async def has_lost_behind(database: Database, bank: str, first_line: bytes, at: datetime) -> bool:
    """Whether a line behind this one was not seen again by the reading of this moment."""
    row = await database.fetchrow(LOST_BEHIND, bank, first_line, at)
    return row is not None and bool(row[0])


async def how_many_gone(connection: Connection, bank: str, *, seen_before: datetime) -> int:
    """Payments with a line that a full reading has not seen again."""
    return int(await connection.fetchval(HOW_MANY_GONE, bank, seen_before) or 0)


async def keep_page(
    database: Database, bank: str, lines: Mapping[bytes, StatementLine], *, cursor: str, at: datetime
) -> None:
    """Lines by their hashes, in order, and the place where they begin, together.

    A line that is kept already is only seen again. A page without a line is not a place, unless it is the whole.
    """
    content = list(lines.values())
    async with database.transaction() as connection:
        await connection.execute(
            *KEEP_LINES(
                bank=bank,
                hashes=list(lines),
                payments=[line.payment_id for line in content],
                are_paid=[line.is_paid for line in content],
                amounts_minor=[line.amount.amount_minor for line in content],
                currencies=[line.amount.currency for line in content],
                transactions=[line.transaction_id for line in content],
                references=[line.reference for line in content],
                are_returned=[line.is_returned for line in content],
                at=at,
            )
        )
        if lines or cursor == START:
            await connection.execute(KEEP_PLACE, bank, cursor, next(iter(lines), None), at)


async def kept_lines(
    connection: Connection, bank: str, *, after: int, matched_too: bool, limit: int
) -> list[KeptLine]:
    return [
        KeptLine(row["line"], _line_of(row), row["read_at"])
        for row in await connection.fetch(LINES, bank, after, matched_too, limit)
    ]


async def payments(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Payment]:
    rows = await connection.fetch(PAYMENTS, list(ids))
    return {row["payment_id"]: payment_of(row) for row in rows}


async def matched_lines(connection: Connection, ids: Collection[UUID]) -> dict[tuple[UUID, bool], int]:
    """By payment, and whether it books the payment back: our number of the line that it was matched with."""
    rows = await connection.fetch(MATCHED_LINES, list(ids))
    return {(row["payment_id"], row["is_returned"]): row["line"] for row in rows}


async def match(connection: Connection, lines: Collection[int], at: datetime) -> None:
    await connection.execute(MATCH, list(lines), at)


async def settled_without_line(
    connection: Connection, *, until: datetime, after: Place, limit: int
) -> tuple[list[Payment], Place | None]:
    """A page of payments that we call paid: those that the statement does not have, at most `limit`, oldest first.

    And the place where to go on; None behind the last one.
    """
    rows = await connection.fetch(WITHOUT_LINE, until, *after, limit)
    missing = [row for row in rows if row["payment_id"] is not None]
    if not rows:
        return [], None
    following = (rows[0]["page_ends_at"], rows[0]["page_ends_with"])
    if len(missing) > limit:
        missing = missing[:limit]
        following = (missing[-1]["finished_at"], missing[-1]["payment_id"])
    return [payment_of(row) for row in missing], following


async def gone(connection: Connection, bank: str, *, seen_before: datetime, limit: int) -> list[UUID]:
    """Payments with a line that a full reading of the statement has not seen again."""
    return [row["payment_id"] for row in await connection.fetch(GONE, bank, seen_before, limit)]


async def is_explained(connection: Connection, subject: str, difference: str) -> bool:
    """A person has resolved its case about the same difference: it is known, and not raised again."""
    return await connection.fetchval(EXPLAINED, subject, SOURCE, difference) is not None


async def open_mismatches(connection: Connection, subjects: Collection[str]) -> set[str]:
    """Those of these payment ids, as text, that have an open case of ours."""
    return {row["subject"] for row in await connection.fetch(OPEN_MISMATCHES, SOURCE, list(subjects))}


def _line_of(row: Any) -> StatementLine:
    return StatementLine(
        row["payment_id"],
        row["is_paid"],
        Money(row["amount_minor"], row["currency"]),
        row["transaction_id"],
        row["reference"],
        row["is_returned"],
    )
