"""The faults of the bank as it runs in the fleet, seen from a plain socket and from an HTTP client."""

import asyncio
import json
import uuid

import httpx
import pytest

from support.bank import BankProcess, add_fault, whole_statement

pytestmark = pytest.mark.integration

US_ACCOUNT = "998877665544"
ORDER = {
    "amount": "1200.50",
    "currency": "USD",
    "payee": {"type": "us", "routingNumber": "021000021", "accountNumber": US_ACCOUNT},
    "reference": "a loan",
}


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    bank = BankProcess(tmp_path_factory.mktemp("bank") / "bank.sqlite")
    asyncio.run(bank.start())
    yield bank
    bank.kill()
    assert US_ACCOUNT not in bank.log_file.read_text()


@pytest.fixture
async def client(process):
    async with httpx.AsyncClient(base_url=process.url, timeout=5) as opened:
        yield opened
        await opened.delete("/admin/faults")


async def pay(client, payment_id=None, **changes):
    return await client.post(
        "/v1/payments",
        json={**ORDER, **changes},
        headers={"idempotency-key": str(payment_id or uuid.uuid4())},
    )


async def status_of(client, payment_id):
    answer = await client.get(f"/v1/payments/{payment_id}")
    return answer.json().get("status", answer.status_code)


async def raw_order(process, payment_id):
    """The order over a socket of our own; the stream of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
    body = json.dumps(ORDER).encode()
    writer.write(
        b"POST /v1/payments HTTP/1.1\r\nhost: bank\r\ncontent-type: application/json\r\nidempotency-key: "
        + str(payment_id).encode()
        + f"\r\ncontent-length: {len(body)}\r\n\r\n".encode()
        + body
    )
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize(
    ("kind", "found"), [("reset-before", 404), ("reset-after", "settled"), ("outage", 404)]
)
async def test_a_reset_is_a_tcp_reset_and_what_was_committed_before_it_stands(process, client, kind, found):
    payment_id = uuid.uuid4()
    await add_fault(process.url, kind, match={"paymentId": str(payment_id)})
    reader, writer = await raw_order(process, payment_id)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    await client.delete("/admin/faults")
    assert await status_of(client, payment_id) == found


@pytest.mark.parametrize(("kind", "found"), [("timeout-before", 404), ("timeout-after", "settled")])
async def test_a_time_out_is_an_open_connection_without_a_byte(process, client, kind, found):
    payment_id = uuid.uuid4()
    await add_fault(process.url, kind, times=1)
    reader, writer = await raw_order(process, payment_id)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 1.0)
    writer.close()
    assert await status_of(client, payment_id) == found


@pytest.mark.parametrize(("kind", "found"), [("error-before", 404), ("error-after", "settled")])
async def test_an_error_is_answered_before_or_after_the_booking(process, client, kind, found):
    payment_id = uuid.uuid4()
    await add_fault(process.url, kind, status=502)
    assert (await pay(client, payment_id)).status_code == 502
    assert await status_of(client, payment_id) == found


@pytest.mark.parametrize(("kind", "status"), [("rate-limit", 429), ("closed", 503)])
async def test_a_bank_that_does_not_look_says_so_and_when_to_come_again(process, client, kind, status):
    payment_id = uuid.uuid4()
    await add_fault(process.url, kind, times=1)
    answer = await pay(client, payment_id)
    assert answer.status_code == status
    assert answer.json()["type"] == "urn:fundline:problem:bank-busy"
    assert int(answer.headers["retry-after"]) >= 1
    assert await status_of(client, payment_id) == 404
    assert (await pay(client, payment_id)).status_code == 201


async def test_a_slow_bank_waits_and_then_pays_as_always(process, client):
    await add_fault(process.url, "slow", delayMs=300, match={"amount": "77.00"})
    slow = asyncio.create_task(pay(client, amount="77.00"))
    assert (await pay(client)).status_code == 201
    assert not slow.done(), "an order of another amount does not wait for it"
    assert (await slow).status_code == 201


async def test_a_decline_by_rule_has_the_rule_s_code_and_stands_for_ever(process, client):
    payment_id = uuid.uuid4()
    await add_fault(process.url, "decline", code="insufficient_funds", match={"payeeEnding": "5544"})
    assert (await pay(client, payment_id)).json()["code"] == "insufficient_funds"
    await client.delete("/admin/faults")
    assert (await pay(client, payment_id)).json()["code"] == "insufficient_funds"


async def test_an_order_settled_later_is_accepted_first_and_not_on_the_statement(process, client):
    payment_id = uuid.uuid4()
    await add_fault(process.url, "settle-later", delayMs=700, match={"paymentId": str(payment_id)})
    answer = await pay(client, payment_id)
    accepted = {"paymentId": str(payment_id), "status": "accepted", "amount": "1200.50", "currency": "USD"}
    assert (answer.status_code, answer.json()) == (202, accepted)
    assert (await pay(client, payment_id)).status_code == 202
    assert str(payment_id) not in {line["paymentId"] for line in await whole_statement(process.url)}
    while await status_of(client, payment_id) == "accepted":
        await asyncio.sleep(0.05)
    assert await status_of(client, payment_id) == "settled"
    assert (await pay(client, payment_id)).status_code == 201
    assert str(payment_id) in {line["paymentId"] for line in await whole_statement(process.url)}


async def test_a_look_up_can_fail_by_itself(process, client):
    await pay(client, payment_id := uuid.uuid4())
    await add_fault(process.url, "error-before", operation="find", times=1)
    assert (await client.get(f"/v1/payments/{payment_id}")).status_code == 500
    assert await status_of(client, payment_id) == "settled"


async def test_an_outage_reaches_look_ups_and_the_statement_but_not_the_admin_door(process, client):
    await add_fault(process.url, "outage")
    for path in (f"/v1/payments/{uuid.uuid4()}", "/v1/statement"):
        with pytest.raises(httpx.TransportError):
            await client.get(path)
    assert (await client.get("/admin/faults")).json()["faults"][0]["hits"] == 2
    assert (await client.get("/health/ready")).status_code == 200


async def test_faults_are_listed_with_their_hits_and_cleared_one_by_one_or_all(process, client):
    first = await add_fault(process.url, "rate-limit", times=1, match={"reference": "a loan"})
    second = await add_fault(process.url, "outage", probability=0.5, seed=9, match={"paymentId": "x"})
    await pay(client)
    listed = (await client.get("/admin/faults")).json()["faults"]
    assert listed == [
        {
            "id": first,
            "kind": "rate-limit",
            "operation": "pay",
            "match": {"reference": "a loan"},
            "probability": 1.0,
            "seed": 0,
            "times": 1,
            "hits": 1,
        },
        {
            "id": second,
            "kind": "outage",
            "operation": "pay",
            "match": {"paymentId": "x"},
            "probability": 0.5,
            "seed": 9,
            "hits": 0,
        },
    ]
    assert (await client.delete(f"/admin/faults/{first}")).json() == {"cleared": 1}
    again = await client.delete(f"/admin/faults/{first}")
    assert (again.status_code, again.json()["type"]) == (404, "urn:fundline:problem:fault-unknown")
    assert (await client.delete("/admin/faults")).json() == {"cleared": 1}


@pytest.mark.parametrize(
    ("rule", "path"),
    [({"kind": "flood"}, "kind"), ({"kind": "slow"}, "body"), ({"kind": "outage", "x": 1}, "x")],
)
async def test_a_rule_that_makes_no_sense_is_refused_as_a_problem(client, rule, path):
    answer = await client.post("/admin/faults", json=rule)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:fundline:problem:invalid-request"
    assert answer.json()["errors"][0]["path"] == path


async def test_the_admin_door_refuses_a_name_that_is_not_this_machine_s(client):
    answer = await client.get("/admin/faults", headers={"host": "rebound.example"})
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:fundline:problem:admin-from-elsewhere"


async def test_a_bank_that_stops_hangs_up_on_whom_it_keeps_waiting(tmp_path):
    bank = BankProcess(tmp_path / "bank.sqlite")
    await bank.start()
    try:
        await add_fault(bank.url, "timeout-after")
        reader, writer = await raw_order(bank, uuid.uuid4())
        async with httpx.AsyncClient(base_url=bank.url) as client:
            while (await client.get("/admin/faults")).json()["faults"][0]["hits"] == 0:
                await asyncio.sleep(0.02)
        assert await asyncio.to_thread(bank.stop) == 0
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
    finally:
        bank.kill()
