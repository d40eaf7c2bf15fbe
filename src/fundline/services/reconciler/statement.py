"""Reading the bank's statement, from where the last run stopped, into our own copy of it.

A statement only grows. One that does not continue what we have read (another line where we stopped, or lines behind it
that are not there any more) is another statement, such as that of a bank put back from a backup: it is read from its
start, so that no booking in it is missed behind a cursor that points past its end.
"""

from dataclasses import dataclass
from datetime import datetime

from fundline.banks.bank import Bank, BankAnswerUnexpected, BankBusy
from fundline.banks.statement import START, StatementPage
from fundline.platform.database import Database
from fundline.platform.http.client import CallNotSent, CallUnanswered
from fundline.platform.resilience import BreakerOpen
from fundline.services.reconciler import bank_store
from fundline.services.reconciler.findings import Unchecked


@dataclass(frozen=True, slots=True)
class Reading:
    """`is_whole`: from the first line on; `was_another`: it did not continue what had been read before."""

    is_whole: bool
    was_another: bool = False


class Statement:
    """The last page with a line is read again each time: its first line proves that the statement is still the same."""

    def __init__(self, database: Database, bank: Bank, *, page: int) -> None:
        self._database, self._bank, self._page = database, bank, page

    @property
    def name(self) -> str:
        """Of the statement, in our copy of it."""
        return self._bank.statement_name

    async def read_on(self, *, at: datetime, from_the_start: bool) -> Reading:
        """Raises Unchecked when the bank does not answer; the pages before that are kept."""
        place = None if from_the_start else await bank_store.place(self._database, self.name)
        if place is None:
            await self._keep_from(START, at)
            return Reading(is_whole=True)
        if await self._keep_from(place.cursor, at, only_if_first=place.first_line) and not (
            await bank_store.has_lost_behind(self._database, self.name, place.first_line, at)
        ):
            return Reading(is_whole=False)
        await self._keep_from(START, at)
        return Reading(is_whole=True, was_another=True)

    async def _keep_from(self, start: str, at: datetime, only_if_first: bytes | None = None) -> bool:
        """Keep all pages from a cursor on. False, and nothing is kept, when another line stands there first."""
        cursor: str | None = start
        while cursor is not None:
            page = await self._read(cursor)
            lines = {booking.digest: booking.line for booking in page.bookings}
            if only_if_first is not None and cursor == start and next(iter(lines), None) != only_if_first:
                return False
            await bank_store.keep_page(self._database, self.name, lines, cursor=cursor, at=at)
            cursor = page.following
        return True

    async def _read(self, cursor: str) -> StatementPage:
        try:
            return await self._bank.statement(cursor, self._page)
        except (CallNotSent, CallUnanswered, BankBusy, BreakerOpen) as silence:
            raise Unchecked(f"The bank does not give its statement: {silence}.") from silence
        except BankAnswerUnexpected as broken:
            raise Unchecked(f"The bank's statement is not understood: {broken}.") from broken
