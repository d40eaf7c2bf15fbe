import asyncio
import json
import uuid

import httpx
import pytest

from fundline.contracts.topics import RISK_SCORING_REQUESTED
from fundline.platform.kafka.producer import EventProducer, Outgoing
from fundline.platform.settings import KafkaSettings
from support.applications import application, application_of_its_own
from support.clients import bearer, browser, follow_sse, follow_websocket, settled, submit, tls
from support.kafka import created_event, read_all

pytestmark = pytest.mark.e2e
PAID = ["processing", "risk_scoring", "approved", "disbursed"]


async def test_a_sound_application_is_paid_and_every_step_is_seen_on_both_streams(fleet):
    async with browser(fleet) as client:
        made = await submit(client, fleet)
        by_sse, by_websocket = await asyncio.gather(
            follow_sse(client, fleet, made["id"]), follow_websocket(fleet, made["id"])
        )
        shown = (await client.get(f"/v1/applications/{made['id']}", headers=bearer(fleet))).json()
        status = (await client.get(f"/v1/status/{made['trackingId']}", headers=bearer(fleet))).json()
    assert [event["status"] for event in by_sse] == PAID
    assert [event["sequence"] for event in by_sse] == [1, 2, 3, 4]
    assert by_websocket == by_sse
    assert shown["status"] == "disbursed"
    assert shown["disbursement"]["state"] == "settled"
    assert shown["disbursement"]["transactionId"] == by_sse[-1]["metadata"]["transactionId"]
    assert (status["status"], status["sequence"]) == ("disbursed", 4)


async def test_a_client_reads_its_own_write_at_once(fleet):
    async with browser(fleet) as client:
        for _ in range(10):
            made = await submit(client, fleet)
            answer = await client.get(f"/v1/status/{made['id']}", headers=bearer(fleet))
            assert answer.status_code == 200


async def test_a_stream_resumes_after_the_last_event_seen(fleet):
    async with browser(fleet) as client:
        made = await submit(client, fleet)
        await settled(client, fleet, made["id"])
        rest = await follow_sse(client, fleet, made["id"], after=2)
    assert [event["sequence"] for event in rest] == [3, 4]


async def test_a_referral_waits_for_an_underwriter_and_is_then_paid(fleet):
    async with browser(fleet) as client:
        made = await submit(client, fleet, **{"figures.annualRevenue": None})
        assert await settled(client, fleet, made["id"]) == "pending_review"
        answer = await client.post(
            f"/v1/applications/{made['id']}/decision",
            json={"decision": "approve", "reason": "Accounts seen"},
            headers=bearer(fleet, "uma", "underwriter") | {"idempotency-key": str(uuid.uuid4())},
        )
        assert answer.status_code == 200
        steps = await follow_sse(client, fleet, made["id"], after=3)
    assert [event["status"] for event in steps] == ["approved", "disbursed"]


async def test_a_rejection_says_why(fleet):
    async with browser(fleet) as client:
        made = await submit(client, fleet, **{"figures.operatingMargin": "-0.3000"})
        steps = await follow_sse(client, fleet, made["id"])
    assert steps[-1]["status"] == "rejected"
    assert all(reason["sentence"] for reason in steps[-1]["metadata"]["principalReasons"])


async def test_a_declined_payment_fails_the_application_and_moves_no_money(fleet):
    account = {"type": "us", "routingNumber": "021000021", "accountNumber": "1234560002"}
    async with browser(fleet) as client:
        made = await submit(client, fleet, payoutAccount=account)
        assert await settled(client, fleet, made["id"]) == "failed"
        shown = (await client.get(f"/v1/applications/{made['id']}", headers=bearer(fleet))).json()
    assert shown["disbursement"]["failureCode"]


async def test_a_poison_event_is_set_aside_and_blocks_nobody(fleet):
    settings = KafkaSettings(kafka_bootstrap=fleet.settings["FUNDLINE_KAFKA_BOOTSTRAP"])
    topic, model = RISK_SCORING_REQUESTED, created_event()
    poison = Outgoing(
        topic.name, str(uuid.uuid4()), b"\x00 not json", model.headers | {"ce_type": topic.event_type}
    )
    await asyncio.to_thread(EventProducer(settings).publish, [poison] * 3)
    async with browser(fleet) as client:
        made = await submit(client, fleet)
        assert await settled(client, fleet, made["id"]) == "disbursed"
    dead = await asyncio.to_thread(read_all, settings.kafka_bootstrap, topic.dead_letter, wait_for=3)
    assert [letter.headers["fundline-cause"] for letter in dead if letter.key == poison.key] == [
        "Poison: bad payload: payload: Invalid JSON: expected value at line 1 column 1"
    ] * 3


async def test_one_correlation_id_goes_from_the_http_header_through_kafka_to_the_bank(fleet):
    correlation = f"story-{uuid.uuid4()}"
    headers = bearer(fleet, role="partner") | {
        "idempotency-key": correlation,
        "x-correlation-id": correlation,
    }
    async with browser(fleet) as client:
        answer = await client.post("/v1/applications", json=application_of_its_own(), headers=headers)
        assert answer.headers["x-correlation-id"] == correlation
        await settled(client, fleet, answer.json()["id"])
    lines = [
        json.loads(line)
        for file in fleet.home.logs.glob("*.log")
        for line in file.read_text(errors="replace").splitlines()
        if correlation in line and line.startswith("{")
    ]
    told = {line["service.name"] for line in lines if line.get("fundline.correlation_id") == correlation}
    assert told >= {
        "application-api",
        "risk-worker-express",  # the lane of small amounts
        "application-events",
        "disbursement-worker",
        "bank-sandbox",
    }
    assert len({line["trace.id"] for line in lines if "trace.id" in line}) == 1


async def test_no_full_account_number_is_in_any_log_or_event(fleet):
    account = {"type": "us", "routingNumber": "021000021", "accountNumber": "77712345678901"}
    async with browser(fleet) as client:
        made = await submit(client, fleet, payoutAccount=account)
        await settled(client, fleet, made["id"])
    for file in fleet.home.logs.iterdir():
        assert "77712345678901" not in file.read_text(errors="replace"), file.name
    for topic in ("applications.created", "disbursement.requested", "status.updated"):
        for message in await asyncio.to_thread(read_all, fleet.settings["FUNDLINE_KAFKA_BOOTSTRAP"], topic):
            assert b"77712345678901" not in message.value


@pytest.mark.parametrize(
    "path", ["/v1/applications", "/v1/status/x", "/v1/status/x/events", "/v1/reference-data/states"]
)
async def test_the_gateway_lets_nobody_in_without_a_token(fleet, path):
    async with browser(fleet) as client:
        answer = await client.get(path)
        forged = await client.get(path, headers={"authorization": "Bearer eyJhbGciOiJub25lIn0.e30."})
    for refused in (answer, forged):
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["type"] == "urn:fundline:problem:unauthenticated"


async def test_a_refusal_over_http2_reaches_the_client_whatever_it_is_still_sending(fleet):
    """Seen with curl: one refusal of five was lost, because the answer came before the end of the body."""
    good, bad = bearer(fleet), {"authorization": "Bearer nonsense"}
    async with httpx.AsyncClient(base_url=fleet.gateway_url, verify=tls(fleet), http2=True) as client:
        for _ in range(20):
            no_key = await client.post("/v1/applications", json=application(), headers=good)
            no_json = await client.post("/v1/applications", content=b"x" * 5000, headers=good)
            no_token = await client.post("/v1/applications", json=application(), headers=bad)
            assert (no_key.status_code, no_json.status_code, no_token.status_code) == (400, 415, 401)
            assert no_key.http_version == "HTTP/2"


async def test_another_persons_status_does_not_exist_for_me(fleet):
    async with browser(fleet) as client:
        made = await submit(client, fleet)
        for path in (
            f"/v1/status/{made['id']}",
            f"/v1/status/{made['trackingId']}",
            f"/v1/status/{made['id']}/events",
        ):
            answer = await client.get(path, headers=bearer(fleet, "mallory"))
            assert answer.status_code == 404
