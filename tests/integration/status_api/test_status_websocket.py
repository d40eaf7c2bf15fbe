import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from support.status_service import STORY, status_service, until

pytestmark = pytest.mark.integration


def address(instance, application_id: str, query: str = "") -> str:
    return f"{instance.url.replace('http', 'ws', 1)}/v1/status/{application_id}/ws{query}"


async def read_to_the_end(socket) -> list[dict]:
    messages = []
    try:
        while True:
            messages.append(json.loads(await socket.recv()))
    except ConnectionClosed:
        return messages


async def test_a_websocket_shows_each_step_and_closes_after_the_last(settings, applications, headers):
    application_id = await applications.submit()
    async with status_service(settings) as instance:
        await instance.assigned()
        async with connect(address(instance, application_id), additional_headers=headers()) as socket:
            first = json.loads(await socket.recv())
            for status in STORY:
                await applications.move(application_id, status)
                await applications.publish()
            rest = await read_to_the_end(socket)
            assert socket.close_code == 1000
        assert [message["sequence"] for message in [first, *rest]] == [1, 2, 3, 4]
        assert rest[-1]["status"] == "disbursed"
        async with connect(
            address(instance, application_id, "?lastSequence=4"), additional_headers=headers()
        ) as socket:
            assert await read_to_the_end(socket) == []
            assert socket.close_code == 1000
        assert instance.value("fundline_open_streams", kind="ws") == 0


async def test_a_browser_may_send_its_token_in_the_query_and_resume(settings, applications, headers):
    application_id = await applications.submit()
    await applications.move(application_id, *STORY)
    token = headers()["authorization"].removeprefix("Bearer ")
    async with status_service(settings) as instance:
        query = f"?lastSequence=2&access_token={token}"
        async with connect(address(instance, application_id, query)) as socket:
            assert [message["sequence"] for message in await read_to_the_end(socket)] == [3, 4]


@pytest.mark.parametrize(
    ("subject", "query", "status", "problem"),
    [
        (None, "", 401, "unauthenticated"),
        ("bob", "", 404, "application-not-found"),
        ("alice", "?lastSequence=-1", 422, "invalid-request"),
        ("alice", "?since=1", 422, "invalid-request"),
    ],
)
async def test_who_may_not_see_it_is_refused_in_the_handshake(
    settings, applications, headers, subject, query, status, problem
):
    application_id = await applications.submit("alice")
    async with status_service(settings) as instance:
        sent = headers(subject) if subject else {}
        with pytest.raises(InvalidStatus) as refused:
            await connect(address(instance, application_id, query), additional_headers=sent)
        assert refused.value.response.status_code == status
        assert json.loads(refused.value.response.body)["type"] == f"urn:fundline:problem:{problem}"


async def test_draining_closes_with_service_restart(settings, applications, headers):
    application_id = await applications.submit()
    async with (
        status_service(settings) as instance,
        connect(address(instance, application_id), additional_headers=headers()) as socket,
    ):
        await socket.recv()
        instance.drain()
        assert await read_to_the_end(socket) == []
        assert socket.close_code == 1012


async def test_what_a_client_says_is_ignored_and_its_leaving_is_noticed(settings, applications, headers):
    application_id = await applications.submit()
    async with status_service(settings) as instance:
        async with connect(address(instance, application_id), additional_headers=headers()) as socket:
            await socket.recv()
            await socket.send("hello")
            await applications.move(application_id, "risk_scoring")
            await instance.assigned()
            await applications.publish()
            assert json.loads(await socket.recv())["sequence"] == 2
        await until(lambda: instance.value("fundline_open_streams", kind="ws") == 0)


async def test_a_talkative_client_is_let_go(settings, applications, headers):
    application_id = await applications.submit()
    async with (
        status_service(settings) as instance,
        connect(address(instance, application_id), additional_headers=headers()) as socket,
    ):
        await socket.recv()
        await asyncio.gather(*(socket.send("chatter") for _ in range(200)))
        assert await read_to_the_end(socket) == []
