"""Outcomes that the bank tells of: signed, until they are confirmed, over kills and restarts."""

import asyncio
import base64
import json
import uuid

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from support.bank import BankProcess, add_fault, whole_statement
from support.webhook_receiver import Receiver

pytestmark = pytest.mark.integration

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
ORDER = {
    "amount": "1200.50",
    "currency": "USD",
    "payee": {"type": "us", "routingNumber": "021000021", "accountNumber": "998877665544"},
    "reference": "a loan",
}


@pytest.fixture
async def receiver():
    async with Receiver().serving() as serving:
        yield serving


@pytest.fixture
async def new_bank(tmp_path):
    """Makes and starts banks on one ledger, with further settings."""
    secret_file = tmp_path / "secret"
    secret_file.write_text(SECRET)
    started = []

    async def start(url, **settings):
        bank = BankProcess(
            tmp_path / "bank.sqlite",
            bank_webhook_url=url,
            bank_webhook_secret_file=str(secret_file),
            **settings,
        )
        started.append(bank)
        await bank.start()
        return bank

    yield start
    for bank in started:
        bank.kill()


async def pay(bank, payment_id=None):
    async with httpx.AsyncClient(base_url=bank.url, timeout=10) as client:
        return await client.post(
            "/v1/payments", json=ORDER, headers={"idempotency-key": str(payment_id or uuid.uuid4())}
        )


async def until_nothing_is_pending(bank):
    async with httpx.AsyncClient(base_url=bank.url, timeout=10) as client, asyncio.timeout(30):
        while True:
            counts = (await client.get("/admin/counts")).json()
            if counts["pendingSettlements"] == counts["pendingWebhooks"] == 0:
                return counts
            await asyncio.sleep(0.02)


async def test_a_settlement_that_comes_later_is_told_with_a_signature(new_bank, receiver):
    bank = await new_bank(receiver.url, bank_settlement_delay_ms="100")
    payment_id = uuid.uuid4()
    assert (await pay(bank, payment_id)).status_code == 202
    await receiver.until_received(1)
    headers, body = receiver.received[0]
    Webhook(SECRET).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"1200.50", b"9200.50"), headers)
    (line,) = await whole_statement(bank.url)
    told = json.loads(body)
    assert told == {
        "type": "payment.settled",
        "timestamp": line["bookedAt"],
        "data": {
            "paymentId": str(payment_id),
            "status": "settled",
            "transactionId": line["transactionId"],
            "amount": "1200.50",
            "currency": "USD",
            "reference": "a loan",
            "bookedAt": line["bookedAt"],
        },
    }
    assert (await until_nothing_is_pending(bank))["settled"] == 1


async def test_a_decline_that_comes_later_is_told_with_its_code(new_bank, receiver):
    bank = await new_bank(receiver.url, bank_settlement_delay_ms="50")
    await add_fault(bank.url, "decline", code="account_closed")
    assert (await pay(bank)).status_code == 202
    await receiver.until_received(1)
    told = json.loads(receiver.received[0][1])
    assert (told["type"], told["data"]["code"]) == ("payment.declined", "account_closed")


@pytest.mark.parametrize(("told_of", "count"), [("accepted", 0), ("all", 1)])
async def test_an_outcome_that_was_answered_is_told_only_when_the_setting_says_all(
    new_bank, receiver, told_of, count
):
    bank = await new_bank(receiver.url, bank_webhook_for=told_of)
    assert (await pay(bank)).status_code == 201
    await until_nothing_is_pending(bank)
    assert len(receiver.received) == count


async def test_a_duplicate_is_the_same_message_twice(new_bank, receiver):
    bank = await new_bank(receiver.url)
    await add_fault(bank.url, "duplicate-webhook", times=1)
    await pay(bank)
    await receiver.until_received(2)
    (first, body), (second, repeated) = receiver.received
    assert (first["webhook-id"], body) == (second["webhook-id"], repeated)
    await until_nothing_is_pending(bank)
    assert len(receiver.received) == 2


async def test_a_webhook_is_sent_until_it_is_confirmed(new_bank, receiver):
    receiver.refusals = 3
    bank = await new_bank(receiver.url, bank_webhook_for="all")
    await pay(bank)
    await receiver.until_received(1)
    assert receiver.refused == 3
    await until_nothing_is_pending(bank)


async def test_what_was_accepted_is_settled_and_told_after_a_kill(new_bank, receiver):
    """Killed while orders come in, before their time is due, and while nobody confirms."""
    receiver.refusals = 1_000_000
    bank = await new_bank(receiver.url, bank_settlement_delay_ms="400")
    accepted = set()

    async def keep_paying():
        while True:
            payment_id = str(uuid.uuid4())
            if (await pay(bank, payment_id)).status_code == 202:
                accepted.add(payment_id)

    payers = [asyncio.create_task(keep_paying()) for _ in range(4)]
    while len(accepted) < 40:
        await asyncio.sleep(0.01)
    bank.kill()
    for payer in payers:
        payer.cancel()
    await asyncio.gather(*payers, return_exceptions=True)
    receiver.refusals = 0
    again = await new_bank(receiver.url, bank_settlement_delay_ms="400")
    await until_nothing_is_pending(again)
    lines = await whole_statement(again.url)
    assert accepted <= {line["paymentId"] for line in lines}
    assert {line["status"] for line in lines} == {"settled"}
    told = {json.loads(body)["data"]["paymentId"] for _, body in receiver.received}
    assert told == {line["paymentId"] for line in lines}


async def test_an_address_that_is_away_or_refuses_is_followed_by_the_next(new_bank, receiver):
    """The incident: the first worker's clock was wrong, it refused 130 webhooks, and the bank knew no other."""
    async with Receiver(refusals=1000).serving() as refusing:
        bank = await new_bank(
            f"http://127.0.0.1:9/bank/events,{refusing.url},{receiver.url}", bank_settlement_delay_ms="50"
        )
        assert (await pay(bank)).status_code == 202
        await receiver.until_received(1)
        await until_nothing_is_pending(bank)
    assert (refusing.refused, len(receiver.received)) == (1, 1)
