"""One suite for every way to a bank, against the bank as it runs in the fleet: its own API, ISO 20022 twice.

It pays, finds and reads the statement.
"""

import asyncio
import shutil
from dataclasses import replace
from datetime import datetime

import pytest
from prometheus_client import CollectorRegistry

from fundline.banks.bank import (
    Accepted,
    BankAnswerUnexpected,
    BankBusy,
    Declined,
    OrderInvalid,
    PaymentOrder,
    Returned,
    Settled,
)
from fundline.banks.guard import GuardedBank
from fundline.banks.opening import open_adapter
from fundline.banks.settings import BankSettings
from fundline.banks.statement import START
from fundline.banks.statement import whole_statement as bookings_of
from fundline.domain.money import Money
from fundline.platform.clock import new_id
from fundline.platform.http.client import CallNotSent, CallUnanswered
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.books import StatementLine
from support.bank import BankProcess, add_fault, clear_faults, whole_statement
from support.ports import free_port
from support.small_disk import small_disk

pytestmark = pytest.mark.integration

US_NUMBER = "998877665544"
US_PAYEE = {"type": "us", "routingNumber": "021000021", "accountNumber": US_NUMBER}
IBAN_PAYEE = {"type": "iban", "iban": "DE75512108001245126199"}
WAYS = {
    "sandbox": {"bank_adapter": "sandbox"},
    "iso-http": {"bank_adapter": "iso20022"},
    "iso-files": {"bank_adapter": "iso20022", "bank_iso_transport": "files"},
}
OVER_HTTP = ["sandbox", "iso-http"]
"""Files know no statuses: there a busy or failing bank is one that has not answered yet."""
SHORT_S = 0.6


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bank")
    bank = BankProcess(folder / "bank.sqlite", bank_iso_folder=str(folder / "iso"))
    asyncio.run(bank.start())
    yield bank
    bank.kill()
    with_the_bank = folder / "iso" / "taken"  # what has no outcome yet
    written = [path for path in folder.rglob("*") if path.is_file() and path.parent != with_the_bank]
    assert not any(US_NUMBER.encode() in file.read_bytes() for file in written)


@pytest.fixture
async def to_bank(process):
    """Opens a way to the running bank, or to another address."""
    closing = []

    def open_way(way, *, timeout_s=10.0, **changes):
        settings = {
            "bank_url": process.url,
            "bank_iso_folder": process.ledger.parent / "iso",
            **WAYS[way],
            **changes,
        }
        bank = open_adapter(BankSettings(**settings), timeout_s=timeout_s)
        closing.append(bank.close)
        return bank

    yield open_way
    for close in closing:
        await close()
    await clear_faults(process.url)


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def gateway(to_bank, way):
    return to_bank(way)


def order(payee=US_PAYEE, amount="1200.50", currency="USD", reference=None):
    payment_id = new_id()
    return PaymentOrder(payment_id, Money.parse(amount, currency), payee, reference or f"loan {payment_id}")


async def until_final(gateway, payment_id, kinds=Settled | Declined):
    async with asyncio.timeout(30):
        while True:
            try:
                found = await gateway.find(payment_id)
            except CallUnanswered:
                found = None
            if isinstance(found, kinds):
                return found
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("payee", "amount", "currency"),
    [(US_PAYEE, "1200.50", "USD"), (IBAN_PAYEE, "0.01", "EUR"), (IBAN_PAYEE, "750000000", "JPY")],
)
async def test_a_payment_is_settled_and_its_id_is_the_statement_s(process, gateway, payee, amount, currency):
    sent = order(payee, amount, currency)
    result = await gateway.pay(sent)
    assert isinstance(result, Settled)
    assert result.amount == sent.amount
    assert await gateway.find(sent.payment_id) == result
    (line,) = [x for x in await whole_statement(process.url) if x["paymentId"] == str(sent.payment_id)]
    assert (line["transactionId"], line["amount"], line["currency"]) == (
        result.transaction_id,
        amount,
        currency,
    )
    assert (line["reference"], line["payeeLast4"]) == (sent.reference, [*payee.values()][-1][-4:])


@pytest.mark.parametrize("code", ["account_closed", "insufficient_funds", "an_odd_one"])
async def test_a_decline_has_the_bank_s_code_when_paid_and_when_asked(process, gateway, code):
    sent = order()
    await add_fault(process.url, "decline", code=code, match={"reference": sent.reference})
    assert await gateway.pay(sent) == Declined(code, sent.amount)
    assert await gateway.find(sent.payment_id) == Declined(code, sent.amount)


async def test_the_sandbox_s_test_account_is_declined(gateway):
    closed = {"type": "us", "routingNumber": "021000021", "accountNumber": "123450002"}
    sent = order(closed)
    assert await gateway.pay(sent) == Declined("account_closed", sent.amount)


async def test_an_order_that_the_bank_will_settle_later_is_accepted_when_paid_and_when_asked(
    process, gateway
):
    sent = order()
    await add_fault(process.url, "settle-later", delayMs=600_000, match={"reference": sent.reference})
    assert await gateway.pay(sent) == Accepted()
    assert await gateway.find(sent.payment_id) == Accepted()
    assert await gateway.pay(sent) == Accepted()
    assert str(sent.payment_id) not in {line["paymentId"] for line in await whole_statement(process.url)}


@pytest.mark.parametrize("code", [None, "account_blocked"])
async def test_an_accepted_payment_gets_its_result_later(process, gateway, code):
    sent = order()
    match = {"reference": sent.reference}
    await add_fault(process.url, "settle-later", delayMs=300, match=match)
    if code:
        await add_fault(process.url, "decline", code=code, match=match)
    await gateway.pay(sent)
    result = await until_final(gateway, sent.payment_id)
    assert result == Declined(code, sent.amount) if code else isinstance(result, Settled)
    assert result.amount == sent.amount


@pytest.mark.parametrize("later", [False, True])
async def test_a_payment_that_comes_back_is_returned_when_asked_and_has_a_line_of_its_own(
    process, gateway, later
):
    sent = order()
    match = {"reference": sent.reference}
    if later:
        await add_fault(process.url, "settle-later", delayMs=300, match=match)
    await add_fault(process.url, "return-later", delayMs=300, code="account_closed", match=match)
    await gateway.pay(sent)
    back = await until_final(gateway, sent.payment_id, Returned)
    assert (back.code, back.amount) == ("account_closed", sent.amount)
    async with asyncio.timeout(30):
        lines = []
        while len(lines) < 2:
            lines = [one.line async for one in bookings_of(gateway) if one.line.payment_id == sent.payment_id]
            await asyncio.sleep(0.1)
    assert [(line.is_paid, line.is_returned) for line in lines] == [(True, False), (False, True)]
    assert lines[0].transaction_id == back.transaction_id
    assert {line.amount for line in lines} == {sent.amount}


async def test_a_payment_the_bank_has_never_seen_is_none(gateway):
    assert await gateway.find(new_id()) is None


async def test_the_same_order_twice_is_one_payment_with_one_result(process, gateway):
    sent = order()
    first = await gateway.pay(sent)
    assert await gateway.pay(sent) == first
    lines = [x for x in await whole_statement(process.url) if x["paymentId"] == str(sent.payment_id)]
    assert len(lines) == 1


@pytest.mark.parametrize("way", OVER_HTTP)
async def test_another_order_under_a_used_id_is_no_result_of_either(gateway):
    sent = order()
    first = await gateway.pay(sent)
    with pytest.raises(BankAnswerUnexpected):
        await gateway.pay(replace(sent, amount=Money(1, "USD")))
    assert await gateway.find(sent.payment_id) == first


@pytest.mark.parametrize(("kind", "is_booked"), [("timeout-before", False), ("timeout-after", True)])
async def test_a_silent_bank_is_unanswered_and_a_look_up_brings_the_truth(
    process, to_bank, way, kind, is_booked
):
    sent = order()
    await add_fault(process.url, kind, match={"reference": sent.reference}, times=1)
    with pytest.raises(CallUnanswered):
        await to_bank(way, timeout_s=SHORT_S).pay(sent)
    gateway = to_bank(way)
    if is_booked or way == "iso-files":  # the bank goes on with a file that it has taken
        assert isinstance(await until_final(gateway, sent.payment_id), Settled)
    else:
        assert await gateway.find(sent.payment_id) is None
    lines = [x for x in await whole_statement(process.url) if x["paymentId"] == str(sent.payment_id)]
    assert len(lines) == (1 if is_booked or way == "iso-files" else 0)


@pytest.mark.parametrize("way", OVER_HTTP)
@pytest.mark.parametrize(
    ("kind", "is_booked"),
    [
        ("reset-before", False),
        ("reset-after", True),
        ("error-before", False),
        ("error-after", True),
        ("outage", False),
    ],
)
async def test_a_reset_or_a_server_error_after_sending_is_unanswered(process, gateway, kind, is_booked):
    sent = order()
    await add_fault(process.url, kind, match={"paymentId": str(sent.payment_id)}, times=1)
    with pytest.raises(CallUnanswered):
        await gateway.pay(sent)
    found = await gateway.find(sent.payment_id)
    assert isinstance(found, Settled) if is_booked else found is None


@pytest.mark.parametrize("way", OVER_HTTP)
@pytest.mark.parametrize("kind", ["rate-limit", "closed"])
async def test_a_busy_bank_has_booked_nothing_and_says_so(process, gateway, kind):
    sent = order()
    await add_fault(process.url, kind, match={"reference": sent.reference}, times=1)
    with pytest.raises(BankBusy):
        await gateway.pay(sent)
    assert await gateway.find(sent.payment_id) is None
    assert isinstance(await gateway.pay(sent), Settled)


@pytest.mark.parametrize("way", OVER_HTTP)
@pytest.mark.parametrize("operation", ["pay", "find"])
async def test_an_answer_of_no_contract_is_unexpected(process, gateway, operation):
    sent = order()
    match = {"paymentId": str(sent.payment_id)}
    await add_fault(process.url, "nonsense", operation=operation, match=match, times=1)
    if operation == "find":
        await gateway.pay(sent)
    with pytest.raises(BankAnswerUnexpected):
        await (gateway.pay(sent) if operation == "pay" else gateway.find(sent.payment_id))
    assert isinstance(await gateway.find(sent.payment_id), Settled)


async def test_a_bank_that_is_not_there_is_not_reached(to_bank, way, tmp_path):
    gateway = to_bank(way, bank_url=f"http://127.0.0.1:{free_port()}", bank_iso_folder=tmp_path / "none")
    with pytest.raises(CallNotSent):
        await gateway.pay(order())
    with pytest.raises(CallNotSent):
        await gateway.statement(START, 10)


async def test_a_file_that_the_bank_does_not_take_is_withdrawn_and_was_never_sent(to_bank, tmp_path):
    for name in ("to-bank", "from-bank", "taken"):
        (tmp_path / name).mkdir()
    gateway = to_bank("iso-files", timeout_s=SHORT_S, bank_iso_folder=tmp_path)
    sent = order()
    with pytest.raises(CallNotSent, match="withdrawn"):
        await gateway.pay(sent)
    assert [*tmp_path.glob("*/*")] == []
    assert await gateway.find(sent.payment_id) is None


async def test_an_account_with_wrong_check_digits_is_never_sent(process, gateway):
    wrong = order({"type": "iban", "iban": "DE75512108001245126198"})
    with pytest.raises(OrderInvalid) as refused:
        await gateway.pay(wrong)
    assert "DE7551" not in f"{refused.value} {refused.value!r}"
    assert await gateway.find(wrong.payment_id) is None


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


async def test_what_was_declined_or_only_accepted_is_not_a_payment_of_the_statement(process, gateway):
    """A bank may say its declines there, and then they are not paid; a notification is of bookings only."""
    declined, waiting, paid = order(), order(), order()
    await add_fault(process.url, "decline", code="account_closed", match={"reference": declined.reference})
    await add_fault(process.url, "settle-later", delayMs=600_000, match={"reference": waiting.reference})
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
async def test_a_statement_that_is_not_given_is_never_an_empty_one(process, gateway, kind, outcome):
    await gateway.pay(order())
    await add_fault(process.url, kind, operation="statement", times=1)
    with pytest.raises(outcome):
        await gateway.statement(START, 10)
    assert (await gateway.statement(START, 10)).bookings


async def test_every_call_is_counted_by_its_result(process, to_bank, way, tmp_path):
    metrics = Metrics(CollectorRegistry())
    gateway = GuardedBank("bank", to_bank(way), metrics)
    sent = order()
    await gateway.pay(sent)
    await gateway.find(sent.payment_id)
    await gateway.find(new_id())
    await gateway.statement(START, 1)
    nowhere = to_bank(way, bank_url=f"http://127.0.0.1:{free_port()}", bank_iso_folder=tmp_path / "none")
    with pytest.raises(CallNotSent):
        await GuardedBank("bank", nowhere, metrics).statement(START, 1)

    def count(operation, result):
        labels = {"operation": operation, "result": result}
        return metrics.registry.get_sample_value("fundline_bank_calls_total", labels)

    assert (count("pay", "settled"), count("find", "settled"), count("find", "not_found")) == (1, 1, 1)
    assert (count("statement", "read"), count("statement", "not_sent")) == (1, 1)


async def test_files_in_the_bank_s_hands_are_finished_after_a_kill(tmp_path):
    """Killed between taking a file and its result: the restarted bank goes on with it, once."""
    folder = tmp_path / "iso"
    settings = {"bank_iso_folder": str(folder), "bank_settlement_delay_ms": "1500"}
    bank = BankProcess(tmp_path / "bank.sqlite", **settings)
    await bank.start()
    gateway = open_adapter(
        BankSettings(bank_url=bank.url, bank_iso_folder=folder, **WAYS["iso-files"]), timeout_s=5.0
    )
    sent = [order() for _ in range(5)]
    assert {type(result) for result in await asyncio.gather(*map(gateway.pay, sent))} == {Accepted}
    bank.kill()
    await bank.start()
    try:
        for one in sent:
            assert isinstance(await until_final(gateway, one.payment_id), Settled)
        assert len(await whole_statement(bank.url)) == len(sent)
        async with asyncio.timeout(30):  # the answer is written first, then the order is deleted
            while [*folder.glob("t*/*")]:
                await asyncio.sleep(0.05)
    finally:
        bank.kill()


async def test_an_answer_that_finds_no_room_on_the_disk_is_written_when_there_is_some(tmp_path):
    folder = tmp_path / "iso"
    bank = BankProcess(tmp_path / "bank.sqlite", bank_iso_folder=str(folder))
    with small_disk(folder / "from-bank", 1) as disk:
        await bank.start()
        gateway = open_adapter(
            BankSettings(bank_url=bank.url, bank_iso_folder=folder, **WAYS["iso-files"]), timeout_s=SHORT_S
        )
        try:
            disk.fill()
            sent = order()
            with pytest.raises(CallUnanswered):
                await gateway.pay(sent)
            disk.free()
            assert isinstance(await until_final(gateway, sent.payment_id), Settled)
            assert len(await whole_statement(bank.url)) == 1
        finally:
            bank.kill()
