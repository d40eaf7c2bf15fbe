"""What the sandbox bank can be told to say wrongly, and what comes of it: the page of scenarios, played."""

import asyncio

import pytest

from support.approved_applications import payment_requested, store_application
from support.bank import add_fault, bank_over_http, clear_faults
from support.payment import cases, disbursement, status, worker_on

pytestmark = pytest.mark.integration
OTHER = {"statedAmount": "900.00", "statedCurrency": "USD"}


@pytest.fixture
async def bank_url(tmp_path):
    """By its fault rules."""
    async with bank_over_http(tmp_path / "bank.sqlite") as url:
        yield url


@pytest.fixture
async def worker(database, account_key_file, bank_url):
    made = worker_on(database, bank_url, account_key_file, timeout_s=1.0)
    yield made
    await made.client.close()


@pytest.mark.breaks_the_books("the payment is held: the bank has booked it, and people have not resolved it")
async def test_another_amount_in_the_answer_holds_the_payment(worker, database, box, bank_url):
    application_id = await store_application(database, box)
    await add_fault(bank_url, "other-amount", times=1, **OTHER)
    await worker.deliver(payment_requested(application_id))
    for _ in range(2):
        await worker.sweep()
    assert (await disbursement(database, application_id))["state"] == "submitted"
    assert await cases(database, application_id) == [("payment_contradicted", "open")]
    assert await status(database, application_id) == ("approved", 3)


@pytest.mark.breaks_the_books("the payment is held: the bank has booked it, and people have not resolved it")
async def test_another_amount_when_asked_holds_what_was_only_accepted(worker, database, box, bank_url):
    application_id = await store_application(database, box)
    await add_fault(bank_url, "timeout-after", times=1)
    await add_fault(bank_url, "other-amount", operation="find", times=1, **OTHER)
    await worker.deliver(payment_requested(application_id))
    assert (await disbursement(database, application_id))["state"] == "unknown"
    for _ in range(2):
        await worker.sweep()
    assert (await disbursement(database, application_id))["state"] == "unknown"
    assert await cases(database, application_id) == [("payment_contradicted", "open")]


async def test_what_the_bank_forgets_is_sent_again_under_the_same_id_and_paid_once(
    worker, database, box, bank_url
):
    application_id = await store_application(database, box)
    await add_fault(bank_url, "timeout-after", times=1)
    await add_fault(bank_url, "forget", operation="find", times=1)
    await worker.deliver(payment_requested(application_id))
    await worker.sweep()
    assert (await disbursement(database, application_id))["state"] == "settled"
    assert await cases(database, application_id) == []


async def test_what_the_bank_had_accepted_and_forgets_is_not_sent_again(worker, database, box, bank_url):
    application_id = await store_application(database, box)
    await add_fault(bank_url, "settle-later", delayMs=300, times=1)
    await add_fault(bank_url, "forget", operation="find", times=1)
    await worker.deliver(payment_requested(application_id))
    await worker.sweep()
    assert await cases(database, application_id) == [("payment_contradicted", "open")]
    assert worker.calls("pay", "accepted") == 1
    await clear_faults(bank_url)
    async with asyncio.timeout(20):
        while (await disbursement(database, application_id))["state"] != "settled":
            await worker.sweep()
            await asyncio.sleep(0.05)
    assert worker.calls("pay", "settled") is None
