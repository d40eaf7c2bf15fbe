"""The bank's webhook: signed, recorded like a look-up, harmless when repeated."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prometheus_client import CollectorRegistry
from standardwebhooks import Webhook

from fundline.banks.bank import Accepted
from fundline.platform.clock import new_id
from fundline.platform.http.api import api
from fundline.platform.http.edge import Edge
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.disbursement_worker.bank_events import LIMIT_BYTES, BankEvents, bank_event_routes
from support.approved_applications import payment_requested, store_application
from support.delivering import answered
from support.payment import audited, cases, disbursement, events, status

pytestmark = pytest.mark.integration
SECRET = "whsec_" + base64.b64encode(b"a secret of the bank, 32 bytes..").decode()


class Accepting:
    """A bank that accepts every order and settles none while it is looked at."""

    async def pay(self, order):
        return Accepted()

    async def find(self, payment_id):
        return Accepted()


@pytest.fixture
def accepting(new_worker):
    return new_worker(bank=Accepting())


@pytest.fixture
async def client(tmp_path, database, accepting):
    secret_file = tmp_path / "secret"
    secret_file.write_text(SECRET + "\n")
    bank_events = BankEvents(database, accepting.parts.results, secret_file, accepting.metrics)
    app = Edge(api(bank_event_routes(bank_events)), metrics=Metrics(CollectorRegistry()))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://worker") as opened:
        yield opened


@pytest.fixture
async def payment(accepting, database, box):
    """An accepted payment."""
    application_id = await store_application(database, box)
    await accepting.deliver(payment_requested(application_id))
    return await disbursement(database, application_id)


def settled(payment_id, **changes) -> bytes:
    data = {
        "paymentId": str(payment_id),
        "status": "settled",
        "transactionId": "txn_1",
        "amount": "12500.00",
        "currency": "USD",
        "reference": "x",
        "bookedAt": "2026-11-24T10:00:00Z",
    }
    event = {"type": "payment.settled", "timestamp": "2026-11-24T10:00:00Z", "data": data | changes}
    return json.dumps(event).encode()


def declined(payment_id) -> bytes:
    data = {"paymentId": str(payment_id), "status": "declined", "code": "account_closed"}
    amount = {"amount": "12500.00", "currency": "USD"}
    return json.dumps({"type": "payment.declined", "data": data | amount}).encode()


def signed(body: bytes, *, at: datetime | None = None, secret: str = SECRET) -> dict[str, str]:
    """By the reference library, not by ours."""
    moment = at or datetime.now(UTC)
    return {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", moment, body.decode()),
    }


async def send(client, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    return await client.post("/bank/events", content=body, headers=headers or signed(body))


@pytest.mark.has_no_banks_ledger("the webhooks are the test's own")
async def test_a_settled_payment_is_recorded_once_however_often_the_webhook_comes(
    client, accepting, database, payment
):
    body = settled(payment["payment_id"])
    answers = await asyncio.gather(*(answered(lambda: send(client, body)) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {204}
    after = await disbursement(database, payment["application_id"])
    assert (after["state"], after["transaction_id"], after["next_step_at"]) == ("settled", "txn_1", None)
    assert await status(database, payment["application_id"]) == ("disbursed", 4)
    assert len(await events(database, payment["application_id"])) == 2
    assert await audited(database, payment["application_id"]) == [
        "payment.expected",
        "payment.requested",
        "payment.submitted",
        "payment.settled",
    ]
    count = accepting.metrics.registry.get_sample_value
    assert count("fundline_bank_events_total", {"result": "recorded"}) == 1
    assert count("fundline_bank_events_total", {"result": "repeated"}) == 7


async def test_a_decline_is_final_with_its_code(client, database, payment):
    assert (await send(client, declined(payment["payment_id"]))).status_code == 204
    after = await disbursement(database, payment["application_id"])
    assert (after["state"], after["failure_code"]) == ("failed", "account_closed")


@pytest.mark.has_no_banks_ledger("the webhooks are the test's own")
@pytest.mark.parametrize(
    "second", [settled("%s", transactionId="txn_2"), declined("%s"), settled("%s", amount="12500.01")]
)
async def test_what_contradicts_the_record_opens_a_case_and_changes_nothing(
    client, database, payment, second
):
    await send(client, settled(payment["payment_id"]))
    before = await disbursement(database, payment["application_id"])
    body = second.replace(b"%s", str(payment["payment_id"]).encode())
    for _ in range(2):
        assert (await send(client, body)).status_code == 204
    assert await disbursement(database, payment["application_id"]) == before
    assert await cases(database, payment["application_id"]) == [("payment_contradicted", "open")]


async def test_a_result_of_a_payment_that_was_never_sent_is_a_contradiction(
    client, new_worker, database, box
):
    application_id = await store_application(database, box)
    worker = new_worker(bank=Accepting())
    await database.execute(
        "insert into disbursements (payment_id, application_id, amount_minor, currency, state, created_at)"
        " values ($1, $2, 1250000, 'USD', 'expected', now())",
        new_id(),
        application_id,
    )
    expected = await disbursement(database, application_id)
    assert (await send(client, settled(expected["payment_id"]))).status_code == 204
    assert (await disbursement(database, application_id))["state"] == "expected"
    assert await cases(database, application_id) == [("payment_contradicted", "open")]
    await worker.deliver(payment_requested(application_id))


@pytest.mark.has_no_banks_ledger("the webhooks are the test's own")
async def test_a_result_that_comes_while_the_payment_is_locked_is_told_again_later(client, database, payment):
    body = settled(payment["payment_id"])
    async with database.transaction() as connection:
        await connection.execute(
            "select 1 from applications where application_id = $1 for update", payment["application_id"]
        )
        answer = await send(client, body)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:fundline:problem:record-busy")
    assert (await send(client, body)).status_code == 204
    assert await status(database, payment["application_id"]) == ("disbursed", 4)


async def test_a_payment_that_is_not_ours_is_not_found(client, database, payment):
    answer = await send(client, settled(new_id()))
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:fundline:problem:payment-not-ours")
    assert (await disbursement(database, payment["application_id"]))["state"] == "submitted"


async def test_only_the_bank_s_present_signature_counts(client, database, payment):
    body = settled(payment["payment_id"])
    now = datetime.now(UTC)
    other = "whsec_" + base64.b64encode(b"somebody else's secret, 32 bytes").decode()
    good = signed(body)
    for headers in (
        {"content-type": "application/json"},
        signed(body, secret=other),
        signed(body, at=now - timedelta(minutes=6)),
        signed(body, at=now + timedelta(minutes=6)),
        signed(body.replace(b"txn_1", b"txn_2")),
        good | {"webhook-id": "msg_2"},
        good | {"webhook-signature": "v1"},
        good | {"webhook-signature": "v1,%%% nonsense"},
        good | {"webhook-signature": good["webhook-signature"].replace("v1,", "v9,")},
        good | {"webhook-timestamp": "soon"},
    ):
        answer = await send(client, body, headers)
        assert answer.status_code == 401
        assert answer.json()["type"] == "urn:fundline:problem:webhook-signature-refused"
    assert (await disbursement(database, payment["application_id"]))["state"] == "submitted"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", 400),
        (b"{}", 422),
        (settled("not-a-uuid"), 422),
        (settled(new_id(), amount="1,0"), 422),
        (settled(new_id(), transactionId=None), 422),
        (b" " * (LIMIT_BYTES + 1), 413),
    ],
)
async def test_a_signed_body_that_makes_no_sense_is_refused(client, body, code):
    assert (await send(client, body)).status_code == code
