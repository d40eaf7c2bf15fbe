"""ISO 20022 by files, in folders that the bank shares."""

import asyncio
import contextlib
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from fundline.banks.iso20022_statement import bookings
from fundline.banks.statement import Booking, StatementPage
from fundline.platform.clock import Clock
from fundline.platform.http.client import CallNotSent, CallUnanswered
from fundline.records.books import StatementLine

_LOOK_EVERY_S = 0.05
STANDS_AFTER = timedelta(seconds=1)
"""A booking stands on the statement so long after it was booked: by then the files of all earlier ones are there."""
_LEDGER = re.compile(r"[^.].*\.camt\.05[34]\.xml$")
"""A name that begins with a dot is of a file that is still being written."""


class ByFiles:
    """`to-bank` is ours to fill, `from-bank` the bank's. The bank takes a file by moving it to `taken`: so we know.

    Its statement is the notifications (camt.054) and statements (camt.053) in `from-bank`, in the order of booking:
    what was paid. A decline is
    no booking and stands in no notification; our own payment has nothing to be compared with then, and needs nothing.
    """

    statement_name = "iso20022"

    def __init__(self, folder: Path, *, timeout_s: float, now: Clock) -> None:
        self._to_bank, self._from_bank, self._taken = (
            folder / "to-bank",
            folder / "from-bank",
            folder / "taken",
        )
        self._timeout_s, self._now = timeout_s, now
        self._read: dict[str, tuple[int, tuple[Booking, ...]]] = {}
        """By file name: its time, and what it notifies of; a file is read again only when it has changed."""

    async def send(self, payment_id: UUID, message: bytes) -> list[bytes]:
        file = self._to_bank / _name(payment_id)
        draft = file.with_name(f".{file.name}")
        try:
            draft.touch(mode=0o600)  # it holds an account number
            draft.write_bytes(message)
            draft.rename(file)
        except OSError as error:
            raise CallNotSent(f"the folder for the bank cannot be written: {error.strerror}") from error
        for _ in range(max(1, int(self._timeout_s / _LOOK_EVERY_S))):
            if words := self._words(payment_id):
                return words
            await asyncio.sleep(_LOOK_EVERY_S)
        try:
            file.unlink()
        except FileNotFoundError:
            raise CallUnanswered("the bank has taken the file and not answered") from None
        raise CallNotSent("the bank has not taken the file; it was withdrawn")

    async def ask(self, payment_id: UUID) -> list[bytes]:
        if words := self._words(payment_id) + await asyncio.to_thread(self._statements_with, payment_id):
            return words
        for folder in (self._to_bank, self._taken):
            if (folder / _name(payment_id)).exists():
                raise CallUnanswered(f"the file is in {folder.name}, and the bank has not answered")
        return self._words(payment_id)  # the bank may have answered while we looked

    async def statement(self, cursor: str, limit: int) -> StatementPage:
        return await asyncio.to_thread(self._page, cursor, limit)

    async def close(self) -> None:
        """Nothing is open."""

    def _page(self, cursor: str, limit: int) -> StatementPage:
        latest = self._now() - STANDS_AFTER
        behind = {
            place: booking
            for booking in _each_once(self._notified())
            if (place := _place(booking)) > cursor and datetime.fromisoformat(booking.booked_at) <= latest
        }
        page = sorted(behind)[:limit]
        following = page[-1] if len(page) == limit else None
        return StatementPage(tuple(behind[place] for place in page), following)

    def _notified(self) -> list[Booking]:
        """Raises CallNotSent when the folder cannot be read, BankAnswerUnexpected when a file is not understood."""
        read: dict[str, tuple[int, tuple[Booking, ...]]] = {}
        try:
            for file in self._from_bank.iterdir():
                if _LEDGER.match(file.name):
                    written_at, known = file.stat().st_mtime_ns, self._read.get(file.name)
                    if known is None or known[0] != written_at:
                        known = written_at, bookings(file.read_bytes(), file.name)
                    read[file.name] = known
        except OSError as error:
            raise CallNotSent(f"the folder of the bank cannot be read: {error.strerror}") from error
        self._read = read
        return [booking for _, notified in read.values() for booking in notified]

    def _statements_with(self, payment_id: UUID) -> list[bytes]:
        """The statements (camt.053) that name the payment."""
        names = {payment_id.hex.encode(), str(payment_id).encode()}
        found = []
        with contextlib.suppress(OSError):
            for file in self._from_bank.glob("[!.]*.camt.053.xml"):
                xml = file.read_bytes()
                if any(name in xml.lower() for name in names):
                    found.append(xml)
        return found

    def _words(self, payment_id: UUID) -> list[bytes]:
        """The report and the notifications that are named after the payment."""
        found = []
        for kind in ("pain.002", "camt.054"):
            with contextlib.suppress(FileNotFoundError):
                found.append((self._from_bank / f"{payment_id.hex}.{kind}.xml").read_bytes())
        return found


def _name(payment_id: UUID) -> str:
    return f"{payment_id.hex}.pain.001.xml"


def _each_once(bookings: Iterable[Booking]) -> Iterable[Booking]:
    """A notification and a statement of the same booking are one line of it: the earlier one."""
    first: dict[StatementLine, Booking] = {}
    for booking in bookings:
        known = first.setdefault(booking.line, booking)
        if _place(booking) < _place(known):
            first[booking.line] = booking
    return first.values()


def _place(booking: Booking) -> str:
    """Where it stands in the statement: a cursor."""
    return f"{booking.booked_at} {booking.line.payment_id.hex} {booking.digest.hex()[:8]}"
