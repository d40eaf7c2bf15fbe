"""Webhooks over real sockets: what is sent, how often, and what the answers mean."""

import pytest
from standardwebhooks import Webhook

from fundline.domain.tracking import tracking_id
from support.delivering import delivered_together
from support.notifications import notifier
from support.receiver import Reply, receiving

pytestmark = pytest.mark.integration


async def test_a_webhook_is_signed_so_that_the_reference_verifier_accepts_it(
    service, register, application_id
):
    async with receiving() as receiver:
        endpoint = await register(service, receiver.url)
        await service.status(application_id, "approved", 3, riskScore="0.0412")
        (request,) = await receiver.until(1)
    told = Webhook(endpoint["secret"]).verify(request.body, request.headers)
    assert told == {
        "type": "application.status_updated",
        "timestamp": "2026-11-24T10:00:00.000000Z",
        "data": {
            "applicationId": str(application_id),
            "trackingId": tracking_id(application_id.int),
            "status": "approved",
            "sequence": 3,
            "metadata": {"riskScore": "0.0412"},
        },
    }
    assert (request.method, request.headers["content-type"]) == ("POST", "application/json")


async def test_the_result_of_a_payment_is_told_with_amount_and_currency(service, register, application_id):
    async with receiving() as receiver:
        await register(service, receiver.url)
        await service.paid(application_id)
        (request,) = await receiver.until(1)
    assert request.json["type"] == "disbursement.completed"
    data = request.json["data"]
    assert (data["status"], data["amount"], data["currency"]) == ("completed", "12500.00", "USD")
    assert data["transactionId"] == "txn_1"


async def test_an_event_that_arrives_three_times_is_delivered_once(service, register, application_id):
    async with receiving() as receiver:
        await register(service, receiver.url)
        event = await service.status(application_id, "approved", 3)
        await delivered_together(service.deliver, event, event)
        await service.status(application_id, "disbursed", 4)
        await receiver.until(2)
        await service.until_state("delivered", 2)
    assert [request.json["data"]["status"] for request in receiver.received] == ["approved", "disbursed"]
    assert len(await service.rows()) == 2


async def test_a_constraint_keeps_an_event_to_one_notification_per_endpoint_without_the_inbox(
    service, register, application_id, database
):
    async with receiving() as receiver:
        await register(service, receiver.url)
        event = await service.status(application_id, "approved", 3)
        await database.execute("delete from inbox")
        await service.deliver(event)
        assert len(await service.rows()) == 1


async def test_a_failed_delivery_is_tried_again_under_the_same_id(service, register, application_id):
    async with receiving() as receiver:
        receiver.answer = lambda _: Reply(503 if len(receiver.received) < 3 else 204)
        await register(service, receiver.url)
        await service.status(application_id, "approved", 3)
        await service.until_state("delivered")
    assert len({request.headers["webhook-id"] for request in receiver.received}) == 1
    assert len({request.body for request in receiver.received}) == 1
    log = await service.until_attempts(3)
    assert [(line["attempt"], line["result"], line["response_status"]) for line in log] == [
        (1, "failed", 503),
        (2, "failed", 503),
        (3, "delivered", 204),
    ]


async def test_after_the_last_pause_of_the_schedule_a_delivery_is_given_up(service, register, application_id):
    async with receiving() as receiver:
        receiver.answer = lambda _: Reply(500)
        await register(service, receiver.url)
        await service.status(application_id, "approved", 3)
        (row,) = await service.until_state("failed")
    assert row["attempts"] == 4
    assert len(receiver.received) == 4


async def test_who_is_gone_gets_nothing_more_and_its_owner_is_told(
    service, register, headers, application_id
):
    async with receiving() as receiver:
        receiver.answer = lambda _: Reply(410)
        endpoint = await register(service, receiver.url)
        await service.status(application_id, "approved", 3)
        await service.until_state("failed")
        shown = await service.http.get(f"/v1/webhook-endpoints/{endpoint['id']}", headers=headers())
        assert (shown.json()["state"], shown.json()["disabledBecause"]) == ("disabled", "gone")
        await service.status(application_id, "disbursed", 4)
        assert len(receiver.received) == 1
    notice = [row for row in await service.rows() if row["channel"] == "email"]
    assert [row["kind"] for row in notice] == ["endpoint_disabled"]
    audited = await service.database.fetch(
        "select action from audit_entries where action like 'webhook_endpoint.%' order by sequence"
    )
    assert [row["action"] for row in audited] == ["webhook_endpoint.created", "webhook_endpoint.disabled"]


async def test_an_endpoint_without_a_success_for_days_is_disabled_and_its_queue_cancelled(
    database, settings, register, application_id
):
    async with (
        receiving() as receiver,
        notifier(database, settings(notification_retry_after_s="600", webhook_failing_days=5)) as service,
    ):
        receiver.answer = lambda _: Reply(500)
        await register(service, receiver.url)
        await service.status(application_id, "approved", 3)
        await service.until_attempts(1)
        await database.execute("update webhook_endpoints set failing_since = now() - interval '5 days'")
        await service.status(application_id, "disbursed", 4)
        rows = await service.until_state("cancelled", 2)
    assert [row["state"] for row in rows if row["channel"] == "webhook"] == ["cancelled", "cancelled"]
    row = await database.fetchrow("select state, disabled_because from webhook_endpoints")
    assert tuple(row) == ("disabled", "failing")


async def test_a_success_ends_the_count_of_days(service, register, application_id, database):
    async with receiving() as receiver:
        receiver.answer = lambda _: Reply(500 if len(receiver.received) == 1 else 200)
        await register(service, receiver.url)
        await service.status(application_id, "approved", 3)
        await service.until_state("delivered")
    assert (await database.fetchrow("select failing_since from webhook_endpoints"))[0] is None


async def test_a_redirect_is_a_failure_and_is_not_followed(service, register, application_id):
    async with receiving() as elsewhere, receiving() as receiver:
        receiver.answer = lambda _: Reply(307, {"location": elsewhere.url})
        await register(service, receiver.url)
        await service.status(application_id, "approved", 3)
        await service.until_state("failed")
        assert elsewhere.received == []
    assert "Redirects are not followed" in (await service.until_attempts(1))[0]["detail"]


async def test_a_name_that_leads_to_a_private_address_later_is_not_called(
    database, settings, register, application_id
):
    """DNS rebinding between the making of the endpoint and the delivery."""
    async with receiving() as receiver:
        answers = [["127.0.0.1"], ["10.0.0.7"]]

        async def names(_host, _port):
            return answers.pop(0) if len(answers) > 1 else answers[0]

        async with notifier(database, settings(), resolve=names) as service:
            await register(service, f"http://hooks.example.test:{receiver.port}/")
            await service.status(application_id, "approved", 3)
            await service.until_state("failed")
        assert receiver.received == []
    log = await service.until_attempts(4)
    assert {line["result"] for line in log} == {"failed"}
    assert "10.0.0.7" not in log[0]["detail"]


async def test_a_slow_receiver_does_not_hold_up_another(database, settings, register, account_key_file):
    from fundline.platform.secrets import SecretBox
    from support.approved_applications import store_application

    async def names(host, _port):
        return ["127.0.0.1"]

    limits = settings(notification_concurrency=4, notification_lane_concurrency=2)
    async with (
        receiving() as slow,
        receiving() as quick,
        notifier(database, limits, resolve=names) as service,
    ):
        slow.hold.clear()
        await register(service, f"http://slow.example.test:{slow.port}/")
        await register(service, f"http://quick.example.test:{quick.port}/")
        for _ in range(20):
            await service.status(
                await store_application(database, SecretBox(account_key_file)), "approved", 3
            )
        await quick.until(20)
        assert len(slow.received) <= 2
        slow.hold.set()
        await slow.until(20)


async def test_the_statuses_of_an_application_are_first_tried_in_their_order(
    service, register, application_id
):
    statuses = ["processing", "risk_scoring", "pending_review", "approved", "disbursed"]
    async with receiving() as receiver:
        await register(service, receiver.url)
        receiver.hold.clear()
        for sequence, status in enumerate(statuses, start=1):
            await service.status(application_id, status, sequence)
        await service.paid(application_id)
        await receiver.until(1)
        receiver.hold.set()
        await service.until_state("delivered", 6)
    told = [request.json["data"]["status"] for request in receiver.received]
    assert told == [*statuses, "completed"]


async def test_a_status_that_failed_once_does_not_hold_up_the_next(
    database, settings, register, application_id
):
    async with (
        receiving() as receiver,
        notifier(database, settings(notification_retry_after_s="600")) as service,
    ):
        receiver.answer = lambda request: Reply(500 if request.json["data"]["sequence"] == 1 else 200)
        await register(service, receiver.url)
        await service.status(application_id, "processing", 1)
        await service.status(application_id, "risk_scoring", 2)
        rows = await service.until_state("delivered")
    assert [row["state"] for row in rows] == ["waiting", "delivered"]


async def test_only_the_owner_of_the_application_is_told(service, headers, application_id):
    async with receiving() as receiver:
        await service.http.post(
            "/v1/webhook-endpoints", json={"url": receiver.url}, headers=headers("mallory")
        )
        await service.status(application_id, "approved", 3)
    assert await service.rows() == []


async def test_an_endpoint_gets_only_the_types_of_events_it_wants(service, register, application_id):
    async with receiving() as receiver:
        await register(service, receiver.url, eventTypes=["disbursement.completed"])
        await service.status(application_id, "approved", 3)
        await service.paid(application_id)
        (request,) = await receiver.until(1)
    assert request.json["type"] == "disbursement.completed"
    assert len(await service.rows()) == 1


async def test_webhooks_that_are_switched_off_in_the_preferences_are_not_sent(
    service, register, headers, application_id
):
    async with receiving() as receiver:
        await register(service, receiver.url)
        off = {"webhooks": {"enabled": False}}
        await service.http.put("/v1/notification-preferences", json=off, headers=headers())
        await service.status(application_id, "approved", 3)
    assert await service.rows() == []


async def test_an_answer_with_bytes_that_are_no_text_is_logged_all_the_same(
    service, register, application_id
):
    async with receiving() as receiver:
        receiver.answer = lambda _: Reply(200, body=b"\x00\xff ok" + b"x" * 5000)
        await register(service, receiver.url)
        await service.status(application_id, "approved", 3)
        await service.until_state("delivered")
    (line,) = await service.until_attempts(1)
    assert line["response_excerpt"].startswith("\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} ok")
    assert len(line["response_excerpt"]) == 1024


async def test_an_event_about_an_unknown_application_is_poison(service):
    import uuid

    from fundline.platform.kafka.messages import Poison

    with pytest.raises(Poison, match="no application"):
        await service.status(uuid.uuid4(), "approved", 3)
