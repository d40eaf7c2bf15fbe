"""Webhook endpoints over HTTP: who may do what, what is refused, and secrets that are shown once."""

import asyncio
import uuid

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from fundline.services.notification_service import answers
from support.delivering import answered
from support.notifications import notifier
from support.receiver import Reply, receiving

pytestmark = pytest.mark.integration
ENDPOINTS = "/v1/webhook-endpoints"


async def test_a_secret_is_shown_once_and_stored_sealed(service, register, headers, database):
    endpoint = await register(service, "http://127.0.0.1:9/hook")
    assert endpoint["secret"].startswith("whsec_")
    one = await service.http.get(f"{ENDPOINTS}/{endpoint['id']}", headers=headers())
    page = await service.http.get(ENDPOINTS, headers=headers())
    assert "secret" not in one.json()
    assert page.json()["items"] == [one.json()]
    for table in ("webhook_endpoints", "idempotency_keys", "audit_entries"):
        rows = await database.fetch(f"select t::text as everything from {table} t")  # noqa: S608 - our own names
        assert rows
        assert not any(endpoint["secret"].removeprefix("whsec_") in row["everything"] for row in rows)


async def test_a_repeat_with_the_same_key_gets_the_same_answer_with_the_same_secret(
    service, headers, database
):
    shared = headers(key="one-key")
    body = {"url": "http://127.0.0.1:9/hook"}
    answers = await asyncio.gather(
        *(answered(lambda: service.http.post(ENDPOINTS, json=body, headers=shared)) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len(await database.fetch("select from webhook_endpoints")) == 1
    other = await service.http.post(ENDPOINTS, json={"url": "http://127.0.0.1:8/"}, headers=shared)
    assert (other.status_code, other.json()["type"]) == (422, "urn:fundline:problem:idempotency-key-reused")


async def test_after_a_rotation_both_secrets_sign_until_the_old_one_retires(
    database, settings, register, headers, application_id
):
    async with receiving() as receiver, notifier(database, settings()) as service:
        endpoint = await register(service, receiver.url)
        path = f"{ENDPOINTS}/{endpoint['id']}/secret/rotate"
        rotated = await service.http.post(path, headers=headers())
        assert rotated.status_code == 200
        old, new = endpoint["secret"], rotated.json()["secret"]
        assert old != new
        await service.status(application_id, "approved", 3)
        (request,) = await receiver.until(1)
        for secret in (old, new):
            Webhook(secret).verify(request.body, request.headers)
        await database.execute("update webhook_endpoints set retired_until = now() - interval '1 second'")
        await service.status(application_id, "disbursed", 4)
        request = (await receiver.until(2))[1]
        Webhook(new).verify(request.body, request.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(old).verify(request.body, request.headers)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"url": "http://hooks.example.com/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "url"),
        ({"url": "https://localhost/"}, "url"),
        ({"url": "https://alice:secret@8.8.8.8/"}, "url"),
        ({"url": "https://8.8.8.8:22/"}, "url"),
        ({"url": "https://8.8.8.8/#x"}, "url"),
        ({"url": "https://8.8.8.8/" + "a" * 2048}, "url"),
        ({"url": ""}, "url"),
        ({}, "url"),
        ({"url": "https://8.8.8.8/", "surprise": 1}, "surprise"),
        ({"url": "https://8.8.8.8/", "eventTypes": []}, "eventTypes"),
        ({"url": "https://8.8.8.8/", "eventTypes": ["webhook.test"]}, "eventTypes.0"),
        ({"url": "https://8.8.8.8/", "description": "a\nb"}, "description"),
        ({"url": "https://8.8.8.8/", "description": "a" * 201}, "description"),
    ],
)
async def test_what_is_not_acceptable_is_refused_with_its_path_and_stores_nothing(
    database, settings, headers, body, path
):
    async with notifier(database, settings(webhook_targets="public")) as service:
        answer = await service.http.post(ENDPOINTS, json=body, headers=headers())
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["path"] == path
    assert await database.fetch("select from webhook_endpoints") == []
    assert await database.fetch("select from idempotency_keys") == []


async def test_a_public_address_is_accepted(database, settings, register):
    async with notifier(database, settings(webhook_targets="public")) as service:
        assert (await register(service, "https://8.8.8.8/hook?x=1"))["url"] == "https://8.8.8.8/hook?x=1"


async def test_an_owner_has_so_many_endpoints_even_when_all_are_made_at_once(database, settings, headers):
    async with notifier(database, settings(webhook_endpoints_per_owner=3)) as service:
        calls = [({"url": f"http://127.0.0.1:{port}/"}, headers()) for port in range(1, 11)]
        answers = await asyncio.gather(
            *(
                answered(lambda body=body, key=key: service.http.post(ENDPOINTS, json=body, headers=key))
                for body, key in calls
            )
        )
        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 7
        refused = next(answer for answer in answers if answer.status_code == 409)
        assert refused.json()["type"] == "urn:fundline:problem:too-many-webhook-endpoints"


def _calls(endpoint_id: str, delivery_id: str):
    one = f"{ENDPOINTS}/{endpoint_id}"
    return [
        ("GET", one, None),
        ("PATCH", one, {"description": "mine"}),
        ("DELETE", one, None),
        ("POST", f"{one}/secret/rotate", None),
        ("POST", f"{one}/test", None),
        ("GET", f"{one}/deliveries", None),
        ("POST", f"{one}/deliveries/{delivery_id}/redeliver", None),
    ]


async def test_another_persons_endpoint_does_not_exist_for_me(service, register, headers):
    endpoint = await register(service, "http://127.0.0.1:9/hook")
    for method, path, body in _calls(endpoint["id"], str(uuid.uuid4())):
        answer = await service.http.request(method, path, json=body, headers=headers("mallory"))
        nobodys = path.replace(endpoint["id"], str(uuid.uuid4()))
        none = await service.http.request(method, nobodys, json=body, headers=headers("mallory"))
        assert (answer.status_code, answer.content) == (404, none.content), (method, path)


async def test_an_operator_reads_everything_and_changes_nothing(service, register, headers):
    endpoint = await register(service, "http://127.0.0.1:9/hook")
    for method, path, body in _calls(endpoint["id"], str(uuid.uuid4())):
        answer = await service.http.request(method, path, json=body, headers=headers("olga", "operator"))
        assert answer.status_code == (200 if method == "GET" else 403), (method, path)
        assert endpoint["secret"] not in answer.text
    page = await service.http.get(ENDPOINTS, params={"owner": "alice"}, headers=headers("olga", "operator"))
    assert [item["id"] for item in page.json()["items"]] == [endpoint["id"]]


@pytest.mark.parametrize("role", ["underwriter", "compliance"])
async def test_other_roles_have_nothing_to_do_with_endpoints(service, register, headers, role):
    endpoint = await register(service, "http://127.0.0.1:9/hook")
    calls = _calls(endpoint["id"], str(uuid.uuid4()))
    for method, path, body in [*calls, ("GET", "/v1/notification-preferences", None)]:
        answer = await service.http.request(method, path, json=body, headers=headers("una", role))
        assert answer.status_code == 403, (method, path)


async def test_without_a_token_or_a_key_nothing_is_done(service, register, headers):
    endpoint = await register(service, "http://127.0.0.1:9/hook")
    for method, path, body in _calls(endpoint["id"], str(uuid.uuid4())):
        assert (await service.http.request(method, path, json=body)).status_code == 401
        if method != "GET":
            keyless = await service.http.request(method, path, json=body, headers=headers(key=""))
            assert keyless.json()["type"] == "urn:fundline:problem:idempotency-key-missing"


async def test_a_changed_url_is_where_what_waits_goes(database, settings, register, headers, application_id):
    async with (
        receiving() as before,
        receiving() as after,
        notifier(database, settings(notification_retry_after_s="1,1,1,1,1")) as service,
    ):
        before.answer = lambda _: Reply(500)
        endpoint = await register(service, before.url)
        await service.status(application_id, "approved", 3)
        await before.until(1)
        answer = await service.http.patch(
            f"{ENDPOINTS}/{endpoint['id']}", json={"url": after.url}, headers=headers()
        )
        assert (answer.status_code, answer.json()["url"]) == (200, after.url)
        await after.until(1)
        await service.until_state("delivered")


async def test_an_endpoint_that_was_switched_off_gets_nothing_until_it_is_switched_on(
    service, register, headers, application_id
):
    async with receiving() as receiver:
        path = f"{ENDPOINTS}/{(await register(service, receiver.url))['id']}"
        off = await service.http.patch(path, json={"state": "disabled"}, headers=headers())
        assert (off.json()["state"], off.json()["disabledBecause"]) == ("disabled", "owner")
        await service.status(application_id, "approved", 3)
        tested = await service.http.post(f"{path}/test", headers=headers())
        assert tested.json()["type"] == "urn:fundline:problem:webhook-endpoint-disabled"
        on = await service.http.patch(path, json={"state": "active"}, headers=headers())
        assert (on.json()["state"], on.json()["disabledBecause"]) == ("active", None)
        await service.status(application_id, "disbursed", 4)
        (request,) = await receiver.until(1)
    assert request.json["data"]["status"] == "disbursed"


async def test_a_deleted_endpoint_is_gone_with_its_queue_and_its_log(
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
        key = headers()
        first = await service.http.delete(f"{ENDPOINTS}/{endpoint['id']}", headers=key)
        again = await service.http.delete(f"{ENDPOINTS}/{endpoint['id']}", headers=key)
        assert first.json() == again.json() == {"id": endpoint["id"], "state": "deleted"}
        assert await service.rows() == []
        assert await database.fetch("select from notification_attempts") == []


async def test_each_change_of_an_endpoint_is_in_the_audit_trail(service, register, headers, database):
    endpoint = await register(service, "http://127.0.0.1:9/hook")
    path = f"{ENDPOINTS}/{endpoint['id']}"
    await service.http.patch(path, json={"description": "the new one"}, headers=headers())
    await service.http.post(f"{path}/secret/rotate", headers=headers())
    await service.http.delete(path, headers=headers())
    rows = await database.fetch(
        "select action, actor from audit_entries where stream = $1 order by sequence",
        f"webhook-endpoint:{endpoint['id']}",
    )
    assert [row["action"].partition(".")[2] for row in rows] == [
        "created",
        "changed",
        "secret_rotated",
        "deleted",
    ]
    assert {row["actor"] for row in rows} == {"notification-service:alice"}


async def test_every_answer_is_as_the_published_document_says(service, register, headers):
    async with receiving() as receiver:
        endpoint = await register(service, receiver.url)
        path = f"{ENDPOINTS}/{endpoint['id']}"
        tested = await service.http.post(f"{path}/test", headers=headers())
        await service.until_state("delivered")
        answers.WebhookDeliveryWaiting.model_validate(tested.json())
        deliveries = await service.http.get(f"{path}/deliveries", headers=headers())
        answers.WebhookDeliveryPage.model_validate(deliveries.json())
    answers.WebhookEndpointWithSecret.model_validate(endpoint)
    rotated = await service.http.post(f"{path}/secret/rotate", headers=headers())
    answers.WebhookEndpointWithSecret.model_validate(rotated.json())
    page = await service.http.get(ENDPOINTS, headers=headers())
    answers.WebhookEndpointPage.model_validate(page.json())
    deleted = await service.http.delete(path, headers=headers())
    answers.WebhookEndpointDeleted.model_validate(deleted.json())
    preferences = await service.http.get("/v1/notification-preferences", headers=headers())
    answers.NotificationPreferences.model_validate(preferences.json())
