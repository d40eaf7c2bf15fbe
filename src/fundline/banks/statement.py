"""A bank's statement: a list of bookings that only grows, read page by page through any adapter."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from fundline.records.books import StatementLine

START = "0"
"""The cursor before the first booking of every statement."""
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Booking:
    """`line` is what our payment is compared with; `digest` is of the whole booking: a changed one is another one.

    The rest is for people: `booked_at` as the bank writes it, the payee's last characters and the code of a decline
    where the bank gives them.
    """

    line: StatementLine
    digest: bytes
    booked_at: str
    payee_ending: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class StatementPage:
    """`following` is the cursor behind it; None: the statement ends here for now."""

    bookings: tuple[Booking, ...]
    following: str | None


class HasStatement(Protocol):
    async def statement(self, cursor: str, limit: int) -> StatementPage: ...


async def whole_statement(bank: HasStatement) -> AsyncIterator[Booking]:
    """Every booking, oldest first. Raises what `Bank.statement` raises."""
    cursor: str | None = START
    while cursor is not None:
        page = await bank.statement(cursor, PAGE)
        for booking in page.bookings:
            yield booking
        cursor = page.following
