"""The bank as it runs in the fleet tells the worker's own door: a result that nothing else could have brought."""

import asyncio
import base64

import pytest

from fundline.platform.http.api import api
from fundline.services.disbursement_worker.bank_events import BankEvents, bank_event_routes
from support.approved_applications import payment_requested, store_application
from support.bank import BankProcess, add_fault, clear_faults
from support.books import assert_books_agree
from support.payment import disbursement, events, status
from support.ports import free_port
from support.webhook_receiver import served

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("account_number", "state"), [("998877665544", "settled"), ("123450002", "failed")])
async def test_a_result_comes_by_webhook_while_look_ups_find_nothing_and_twice_is_once(
    new_worker, database, box, tmp_path, account_number, state
):
    secret_file = tmp_path / "webhook.secret"
    secret_file.write_text("whsec_" + base64.b64encode(bytes(range(32))).decode())
    port = free_port()
    bank = BankProcess(
        tmp_path / "telling-bank.sqlite",
        bank_settlement_delay_ms="300",
        bank_webhook_url=f"http://127.0.0.1:{port}/bank/events",
        bank_webhook_secret_file=str(secret_file),
    )
    await bank.start()
    try:
        await add_fault(bank.url, "closed", operation="find")
        await add_fault(bank.url, "duplicate-webhook")
        worker = new_worker(url=bank.url)
        door = BankEvents(database, worker.parts.results, secret_file, worker.metrics)
        application_id = await store_application(database, box, account_number=account_number)
        async with served(api(bank_event_routes(door)), port), asyncio.timeout(60):
            await worker.deliver(payment_requested(application_id))
            while (await disbursement(database, application_id))["state"] != state:
                await asyncio.sleep(0.05)
        assert worker.calls("pay", "accepted") == 1
        assert (await status(database, application_id))[0] == (
            "disbursed" if state == "settled" else "failed"
        )
        topics = [topic for topic, _ in await events(database, application_id)]
        assert topics.count("disbursement.completed") == 1
        await clear_faults(bank.url)
        await assert_books_agree(database, bank.url)
    finally:
        bank.kill()
