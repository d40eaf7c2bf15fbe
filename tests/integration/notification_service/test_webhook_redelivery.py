"""What an owner sees of deliveries, and has made again."""

import json
import uuid

import pytest
from standardwebhooks import Webhook

from support.notifications import notifier
from support.receiver import Reply, receiving

pytestmark = pytest.mark.integration


ENDPOINTS = "/v1/webhook-endpoints"


async def test_a_delivery_that_is_over_is_made_again_under_its_id(service, register, headers, application_id):
    async with receiving() as receiver:
        receiver.answer = lambda _: Reply(500)
        endpoint = await register(service, receiver.url)
        await service.status(application_id, "approved", 3)
        await service.until_state("failed")
        receiver.answer = lambda _: Reply(200, body=b"at last")
        log = f"{ENDPOINTS}/{endpoint['id']}/deliveries"
        (failed,) = (await service.http.get(log, headers=headers())).json()["items"]
        assert (failed["state"], len(failed["attempts"])) == ("failed", 4)
        answer = await service.http.post(f"{log}/{failed['id']}/redeliver", headers=headers())
        assert (answer.status_code, answer.json()) == (202, {"id": failed["id"], "state": "waiting"})
        await service.until_state("delivered")
        (delivered,) = (await service.http.get(log, headers=headers())).json()["items"]
    assert delivered["attempts"][0] | {"startedAt": "", "durationMs": 0} == {
        "number": 5,
        "startedAt": "",
        "durationMs": 0,
        "result": "delivered",
        "responseStatus": 200,
        "response": "at last",
        "detail": "",
    }
    assert {request.headers["webhook-id"] for request in receiver.received} == {delivered["webhookId"]}
    assert delivered["payload"] == json.loads(receiver.received[-1].body)


async def test_a_delivery_under_way_or_unknown_is_not_made_again(
    database, settings, register, headers, application_id
):
    async with (
        receiving() as receiver,
        notifier(database, settings(notification_retry_after_s="600")) as service,
    ):
        receiver.answer = lambda _: Reply(500)
        endpoint = await register(service, receiver.url)
        await service.status(application_id, "approved", 3)
        await service.until_attempts(1)
        (row,) = await service.rows()
        log = f"{ENDPOINTS}/{endpoint['id']}/deliveries"
        waiting = await service.http.post(f"{log}/{row['notification_id']}/redeliver", headers=headers())
        unknown = await service.http.post(f"{log}/{uuid.uuid4()}/redeliver", headers=headers())
        nonsense = await service.http.post(f"{log}/x/redeliver", headers=headers())
    assert waiting.json()["type"] == "urn:fundline:problem:webhook-delivery-under-way"
    assert (unknown.status_code, nonsense.status_code) == (404, 404)


async def test_a_test_is_delivered_whatever_types_of_events_the_endpoint_wants(service, register, headers):
    async with receiving() as receiver:
        endpoint = await register(service, receiver.url, eventTypes=["disbursement.completed"])
        answer = await service.http.post(f"{ENDPOINTS}/{endpoint['id']}/test", headers=headers())
        assert answer.status_code == 202
        (request,) = await receiver.until(1)
    told = Webhook(endpoint["secret"]).verify(request.body, request.headers)
    assert (told["type"], told["data"]) == ("webhook.test", {"endpointId": endpoint["id"]})


async def test_the_delivery_log_is_paged_newest_first_without_a_gap(service, register, headers):
    async with receiving() as receiver:
        endpoint = await register(service, receiver.url)
        made = []
        for _ in range(5):
            answer = await service.http.post(f"{ENDPOINTS}/{endpoint['id']}/test", headers=headers())
            made.append(answer.json()["id"])
        await service.until_state("delivered", 5)
        seen, cursor = [], None
        while True:
            query = {"limit": 2, "state": "delivered"} | ({"cursor": cursor} if cursor else {})
            page = await service.http.get(
                f"{ENDPOINTS}/{endpoint['id']}/deliveries", params=query, headers=headers()
            )
            seen += [item["id"] for item in page.json()["items"]]
            cursor = page.json()["nextCursor"]
            if cursor is None:
                break
    assert seen == made[::-1]
