"""Every way to a bank reads the statement: the same bookings, in pages, and never an empty one for one not given."""

import asyncio
import shutil
from datetime import datetime

import pytest

from fundline.banks.bank import (
    BankAnswerUnexpected,
    BankBusy,
)
from fundline.banks.opening import open_adapter
from fundline.banks.settings import BankSettings
from fundline.banks.statement import START
from fundline.banks.statement import whole_statement as bookings_of
from fundline.platform.http.client import CallUnanswered
from fundline.records.books import StatementLine
from support.bank import BankProcess, add_fault
from support.bank_ways import IBAN_PAYEE, OVER_HTTP, WAYS, order

pytestmark = pytest.mark.integration


async def until_on_the_statement(bank, payment_ids):
    """The whole statement, once it has these payments: by files a booking stands on it a second later."""
    async with asyncio.timeout(30):
        while True:
            found = [booking async for booking in bookings_of(bank)]
            if set(payment_ids) <= {booking.line.payment_id for booking in found}:
                return found
            await asyncio.sleep(0.05)


async def read_from(bank, cursor, limit):
    """Every page from a cursor on, and the cursors that were asked for."""
    pages, asked = [], []
    while cursor is not None:
        page = await bank.statement(cursor, limit)
        pages.append(page.bookings)
        asked.append(cursor)
        cursor = page.following
    return pages, asked


async def test_a_paid_order_is_one_booking_of_the_statement_with_all_that_is_compared(gateway):
    sent = order(IBAN_PAYEE, "75.25", "EUR")
    paid = await gateway.pay(sent)
    found = await until_on_the_statement(gateway, [sent.payment_id])
    (booking,) = [one for one in found if one.line.payment_id == sent.payment_id]
    assert booking.line == StatementLine(
        sent.payment_id, True, sent.amount, paid.transaction_id, sent.reference
    )
    assert datetime.fromisoformat(booking.booked_at).tzinfo is not None


async def test_what_was_declined_or_only_accepted_is_not_a_payment_of_the_statement(bank_process, gateway):
    """A bank may say its declines there, and then they are not paid; a notification is of bookings only."""
    declined, waiting, paid = order(), order(), order()
    await add_fault(
        bank_process.url, "decline", code="account_closed", match={"reference": declined.reference}
    )
    await add_fault(bank_process.url, "settle-later", delayMs=600_000, match={"reference": waiting.reference})
    for sent in (declined, waiting, paid):
        await gateway.pay(sent)
    found = await until_on_the_statement(gateway, [paid.payment_id])
    said_paid = {booking.line.payment_id for booking in found if booking.line.is_paid}
    assert not {declined.payment_id, waiting.payment_id} & said_paid
    assert waiting.payment_id not in {booking.line.payment_id for booking in found}


async def test_the_statement_is_read_in_pages_of_any_size_and_only_a_full_page_has_a_next_one(gateway):
    sent = [order() for _ in range(3)]
    for one in sent:
        await gateway.pay(one)
    whole = await until_on_the_statement(gateway, [one.payment_id for one in sent])
    for limit in (1, 2, len(whole), len(whole) + 1):
        pages, asked = await read_from(gateway, START, limit)
        assert [booking for page in pages for booking in page] == whole
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert len(pages[-1]) < limit
        assert len({*asked}) == len(asked)


async def test_from_a_cursor_on_only_what_was_booked_behind_it_is_read_however_often(gateway):
    first, second = order(), order()
    await gateway.pay(first)
    before = await until_on_the_statement(gateway, [first.payment_id])
    cursor = (await gateway.statement(START, len(before))).following
    assert (await gateway.statement(cursor, 10)).bookings == ()
    await gateway.pay(second)
    whole = await until_on_the_statement(gateway, [second.payment_id])
    assert whole[: len(before)] == before
    for _ in range(2):
        page = await gateway.statement(cursor, 10)
        assert [*page.bookings] == whole[len(before) :]
    assert [booking.line.payment_id for booking in page.bookings] == [second.payment_id]


async def test_a_statement_that_shrank_gives_what_is_left_and_nothing_behind_an_old_cursor(tmp_path, way):
    """A bank put back from a backup: who reads on from an old cursor reads nothing, who begins at the start sees it."""
    bank = BankProcess(tmp_path / "bank.sqlite", bank_iso_folder=str(tmp_path / "iso"))
    await bank.start()
    try:
        settings = BankSettings(bank_url=bank.url, bank_iso_folder=tmp_path / "iso", **WAYS[way])
        gateway = open_adapter(settings, timeout_s=10.0)
        kept, lost = order(), [order(), order()]
        await gateway.pay(kept)
        await until_on_the_statement(gateway, [kept.payment_id])
        assert bank.stop() == 0
        shutil.copy(bank.ledger, tmp_path / "backup")
        await bank.start()
        for one in lost:
            await gateway.pay(one)
        whole = await until_on_the_statement(gateway, [one.payment_id for one in lost])
        cursor = (await gateway.statement(START, 3)).following
        assert bank.stop() == 0
        shutil.copy(tmp_path / "backup", bank.ledger)
        for one in lost:
            (tmp_path / "iso" / "from-bank" / f"{one.payment_id.hex}.camt.054.xml").unlink(missing_ok=True)
        await bank.start()
        assert (await gateway.statement(cursor, 10)).bookings == ()
        assert [booking async for booking in bookings_of(gateway)] == whole[:1]
        again = [order(), order()]
        for one in again:
            await gateway.pay(one)
        found = await until_on_the_statement(gateway, [one.payment_id for one in again])
        assert found[0] == whole[0]
        assert not {booking.digest for booking in found[1:]} & {booking.digest for booking in whole}
        await gateway.close()
    finally:
        bank.kill()


@pytest.mark.parametrize("way", OVER_HTTP)
@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("rate-limit", BankBusy),
        ("closed", BankBusy),
        ("reset-before", CallUnanswered),
        ("error-before", CallUnanswered),
        ("nonsense", BankAnswerUnexpected),
    ],
)
async def test_a_statement_that_is_not_given_is_never_an_empty_one(bank_process, gateway, kind, outcome):
    await gateway.pay(order())
    await add_fault(bank_process.url, kind, operation="statement", times=1)
    with pytest.raises(outcome):
        await gateway.statement(START, 10)
    assert (await gateway.statement(START, 10)).bookings
