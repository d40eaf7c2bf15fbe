import asyncio
import contextlib
import sqlite3
import uuid

import httpx
import pytest

from support.bank import BankProcess, Moody, bank_over_http, whole_statement

pytestmark = pytest.mark.integration

US_ACCOUNT = "998877665544"
HISTORY_EDITS = [
    "update orders set amount_minor = 1",
    "delete from orders",
    "update outcomes set status = 'declined'",
    "delete from outcomes",
    "update bookings set amount_minor = 1",
    "delete from bookings",
]
IBAN_CLOSED = "DE40370400440532010002"
ORDER = {
    "amount": "1200.50",
    "currency": "USD",
    "payee": {"type": "us", "routingNumber": "021000021", "accountNumber": US_ACCOUNT},
    "reference": "a loan",
}


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "bank.sqlite"


@pytest.fixture
async def bank(ledger):
    async with bank_over_http(ledger) as url, httpx.AsyncClient(base_url=url, timeout=5) as client:
        yield client


async def pay(client, payment_id=None, **changes):
    return await client.post(
        "/v1/payments",
        json={**ORDER, **changes},
        headers={"idempotency-key": str(payment_id or uuid.uuid4()), "x-correlation-id": "story-1"},
    )


def payee_ending(digits):
    return {"type": "us", "routingNumber": "021000021", "accountNumber": f"12345{digits}"}


async def test_an_order_is_settled_with_a_transaction_id(bank):
    payment_id = uuid.uuid4()
    answer = await pay(bank, payment_id)
    assert answer.status_code == 201
    assert answer.json()["paymentId"] == str(payment_id)
    assert answer.json()["status"] == "settled"
    assert answer.json()["transactionId"].startswith("txn_")
    assert answer.headers["x-correlation-id"] == "story-1"


async def test_the_same_id_and_order_get_the_same_answer_however_the_json_is_written(bank):
    payment_id = uuid.uuid4()
    first = await pay(bank, payment_id)
    repeat = await bank.post(
        "/v1/payments",
        content=b'{ "reference": "a loan", "currency": "USD", "amount": "1200.50", "payee": {"type": "us",'
        b'"accountNumber": "998877665544", "routingNumber": "021000021"} }',
        headers={"idempotency-key": str(payment_id), "content-type": "application/json"},
    )
    assert (repeat.status_code, repeat.json()) == (first.status_code, first.json())
    assert repeat.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    "change",
    [{"amount": "1200.51"}, {"currency": "EUR"}, {"payee": payee_ending("9999")}, {"reference": "x"}],
)
async def test_another_order_under_a_used_id_is_refused_and_the_first_stands(bank, change):
    payment_id = uuid.uuid4()
    first = await pay(bank, payment_id)
    refused = await pay(bank, payment_id, **change)
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:fundline:problem:idempotency-key-reused"
    found = await bank.get(f"/v1/payments/{payment_id}")
    assert found.json() == first.json()


async def test_fifty_parallel_repeats_of_one_order_are_one_payment(bank):
    payment_id = uuid.uuid4()
    answers = await asyncio.gather(*(pay(bank, payment_id) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["transactionId"] for answer in answers}) == 1
    assert len(await whole_statement(str(bank.base_url))) == 1


@pytest.mark.parametrize(
    ("payee", "code"),
    [
        (payee_ending("0002"), "account_closed"),
        (payee_ending("0003"), "account_not_found"),
        (payee_ending("0004"), "account_blocked"),
        (payee_ending("0005"), "limit_exceeded"),
        ({"type": "iban", "iban": IBAN_CLOSED}, "account_closed"),
    ],
)
async def test_a_test_account_is_declined_with_its_code_each_time(bank, payee, code):
    payment_id = uuid.uuid4()
    first, repeat = await pay(bank, payment_id, payee=payee), await pay(bank, payment_id, payee=payee)
    assert first.status_code == repeat.status_code == 422
    assert first.json() == repeat.json()
    assert first.json()["type"] == "urn:fundline:problem:payment-declined"
    assert first.json()["code"] == code
    assert (await bank.get(f"/v1/payments/{payment_id}")).json() == {
        "paymentId": str(payment_id),
        "status": "declined",
        "amount": "1200.50",
        "currency": "USD",
        "code": code,
    }


@pytest.mark.parametrize("payment_id", [pytest.param(str(uuid.uuid4()), id="a fresh id"), "not-an-id"])
async def test_a_payment_the_bank_has_never_seen_is_not_found(bank, payment_id):
    answer = await bank.get(f"/v1/payments/{payment_id}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:fundline:problem:payment-unknown"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"amount": "0.00"}, "amount"),
        ({"amount": "-1.00"}, "amount"),
        ({"amount": "1.005"}, "amount"),
        ({"amount": 12}, "amount"),
        ({"currency": "XXX"}, "amount"),
        ({"payee": {"type": "cash"}}, "payee"),
        ({"payee": {"type": "iban", "iban": US_ACCOUNT}}, "payee.iban"),
        ({"reference": ""}, "reference"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_value_is_named_and_nothing_is_booked(bank, change, path):
    answer = await pay(bank, **change)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:fundline:problem:invalid-request"
    assert answer.json()["errors"][0]["path"] == path
    assert US_ACCOUNT not in answer.text
    assert await whole_statement(str(bank.base_url)) == []


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "not-a-uuid"}])
async def test_an_order_without_a_payment_id_is_refused(bank, headers):
    assert (await bank.post("/v1/payments", json=ORDER, headers=headers)).status_code == 400


async def test_the_statement_gives_every_booking_once_in_order_page_by_page(bank):
    ids = [uuid.uuid4() for _ in range(7)]
    for number, payment_id in enumerate(ids):
        await pay(bank, payment_id, payee=payee_ending("0002" if number == 3 else "7777"))
    for page in (1, 3, 7, 100):
        lines = await whole_statement(str(bank.base_url), page=page)
        assert [line["paymentId"] for line in lines] == [str(payment_id) for payment_id in ids]
    assert lines[0]["amount"] == "1200.50"
    assert lines[0]["payeeLast4"] == "7777"
    assert lines[3]["code"] == "account_closed"


async def test_a_full_bank_answers_429_and_books_nothing(ledger):
    conduct = Moody()
    conduct.silent_before_booking = True
    async with (
        bank_over_http(ledger, conduct, max_in_process=1) as url,
        httpx.AsyncClient(base_url=url, timeout=5) as client,
    ):
        first = asyncio.create_task(pay(client))
        await conduct.arrived.wait()
        answer = await pay(client)
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "1"
        assert await whole_statement(url) == []
        first.cancel()


async def test_the_ledger_refuses_every_edit_and_keeps_no_account_number(bank, ledger):
    await pay(bank)
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        for edit in HISTORY_EDITS:
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(edit)
    kept = b"".join(path.read_bytes() for path in ledger.parent.glob("bank.sqlite*"))
    assert US_ACCOUNT.encode() not in kept


async def test_every_answered_payment_outlives_a_kill(ledger):
    bank = BankProcess(ledger)
    await bank.start()
    answered = {}
    many_are_answered = asyncio.Event()

    async def keep_paying(client):
        while True:
            payment_id = uuid.uuid4()
            answer = await pay(client, payment_id)
            answered[str(payment_id)] = answer.json()["transactionId"]
            if len(answered) > 100:
                many_are_answered.set()

    try:
        async with httpx.AsyncClient(base_url=bank.url, timeout=5) as client:
            payers = [asyncio.create_task(keep_paying(client)) for _ in range(8)]
            await many_are_answered.wait()
            bank.kill()
            await asyncio.gather(*payers, return_exceptions=True)
        await bank.start()
        booked = {line["paymentId"]: line["transactionId"] for line in await whole_statement(bank.url)}
        assert answered.items() <= booked.items()
    finally:
        bank.kill()
    assert US_ACCOUNT not in bank.log_file.read_text()
