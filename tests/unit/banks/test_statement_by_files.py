"""The statement of a bank that notifies each booking by a file: append-only, whatever order the files come in."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from fundline.banks.bank import BankAnswerUnexpected
from fundline.banks.iso20022_files import STANDS_AFTER, ByFiles
from fundline.banks.statement import START
from fundline.outside.bank_sandbox.iso_messages import booking_notification
from fundline.outside.bank_sandbox.store import Payment
from fundline.platform.http.client import CallNotSent

AT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


class Folder:
    """The folders that a bank shares, and our way to it at a moment."""

    def __init__(self, path):
        self.path, self.now = path, AT + timedelta(hours=1)
        (path / "from-bank").mkdir()
        self.bank = ByFiles(path, timeout_s=1.0, now=lambda: self.now)

    def notify(self, number, at, *, name=None, amount_minor=100):
        payment_id, moment = UUID(int=number), at.isoformat()
        booked = Payment(
            1, str(payment_id), b"", "settled", f"txn_{number}", None, amount_minor, "USD", "1234", "a loan",
            moment, moment,
        )  # fmt: skip
        file = self.path / "from-bank" / (name or f"{payment_id.hex}.camt.054.xml")
        file.write_bytes(booking_notification(booked, at))
        return file

    async def read(self, cursor=START, limit=10):
        page = await self.bank.statement(cursor, limit)
        return [booking.line.payment_id.int for booking in page.bookings], page.following


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def at(seconds):
    return AT + timedelta(seconds=seconds)


async def test_bookings_stand_in_the_order_of_booking_whatever_their_files_are_called(folder):
    for number, second in ((1, 30), (2, 10), (3, 20)):
        folder.notify(number, at(second))
    assert await folder.read() == ([2, 3, 1], None)
    (first, cursor) = await folder.read(limit=2)
    assert first == [2, 3]
    assert await folder.read(cursor, 2) == ([1], None)


async def test_payments_that_were_booked_at_one_moment_are_read_one_by_one(folder):
    for number in (1, 2, 3):
        folder.notify(number, AT)
    found, cursor = [], START
    while cursor is not None:
        page, cursor = await folder.read(cursor, 1)
        found += page
    assert found == [1, 2, 3]


async def test_a_booking_stands_only_when_every_earlier_file_had_time_to_come(folder):
    folder.now = at(10)
    folder.notify(1, folder.now - STANDS_AFTER)
    folder.notify(2, folder.now - STANDS_AFTER + timedelta(microseconds=1))
    assert await folder.read() == ([1], None)
    folder.now += timedelta(seconds=1)
    assert await folder.read() == ([1, 2], None)


async def test_other_files_and_files_that_are_still_written_are_not_looked_at(folder):
    folder.notify(1, AT)
    folder.notify(2, AT, name=".2.camt.054.xml")
    folder.notify(3, AT, name="3.pain.002.xml")
    assert await folder.read() == ([1], None)


async def test_a_file_that_has_changed_is_read_again_and_one_that_is_gone_is_gone(folder):
    (file, _) = folder.notify(1, AT), folder.notify(2, at(1))
    (before, _) = (await folder.bank.statement(START, 10)).bookings
    folder.notify(1, AT, amount_minor=99)
    (after, kept) = (await folder.bank.statement(START, 10)).bookings
    assert (before.line.amount.amount_minor, after.line.amount.amount_minor) == (100, 99)
    assert kept.line.payment_id.int == 2
    file.unlink()
    assert await folder.read() == ([2], None)


async def test_a_file_that_is_not_understood_is_named_and_refuses_the_whole_statement(folder):
    folder.notify(1, AT)
    (folder.path / "from-bank" / "7.camt.054.xml").write_bytes(b"half a mess")
    with pytest.raises(BankAnswerUnexpected, match=r"statement: 7\.camt\.054\.xml: it is not well-formed"):
        await folder.read()


async def test_a_folder_that_is_not_there_is_a_bank_that_is_not_reached(tmp_path):
    bank = ByFiles(tmp_path / "none", timeout_s=1.0, now=lambda: AT)
    with pytest.raises(CallNotSent, match="cannot be read"):
        await bank.statement(START, 10)
