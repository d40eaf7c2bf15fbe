"""A person's view of the running platform: submit, follow, read, through the TLS gateway."""

import asyncio
import contextlib
import json
import ssl
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import websockets

from fundline.demo.client import STREAM_TIMEOUT
from fundline.stack.running import Stack
from support.applications import application_of_its_own

_SILENCE = httpx.Timeout(15, read=STREAM_TIMEOUT.read)
"""Two missed heartbeats of an open stream."""
SETTLED = {"rejected", "pending_review", "disbursed", "failed"}


def tls(stack: Stack) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(stack.keys.authority_certificate))


@asynccontextmanager
async def browser(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=stack.gateway_url, verify=tls(stack), timeout=15, trust_env=False
    ) as client:
        yield client


def bearer(stack: Stack, subject: str = "alice", role: str = "applicant") -> dict[str, str]:
    return {"authorization": f"Bearer {stack.token(subject, role)}"}


async def submit(
    client: httpx.AsyncClient, stack: Stack, subject: str = "alice", **changes: Any
) -> dict[str, Any]:
    """Submit a sound application with changes; returns the answer's body.

    As a partner, for a business and an account of its own: what is open or paid already never counts together with it.
    """
    answer = await client.post(
        "/v1/applications",
        json=application_of_its_own(**changes),
        headers=bearer(stack, subject, "partner") | {"idempotency-key": str(uuid.uuid4())},
    )
    assert answer.status_code == 202, answer.text
    accepted: dict[str, Any] = answer.json()
    return accepted


async def follow_sse(
    client: httpx.AsyncClient,
    stack: Stack,
    application_id: str,
    *,
    subject: str = "alice",
    after: int | None = None,
) -> list[dict[str, Any]]:
    """Everything the stream says until it stands still (final, or waiting for a person).

    A stream that ends, breaks, or misses two heartbeats once it was open is opened again with the last id.
    """
    seen: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        while not (seen and seen[-1]["status"] in SETTLED):
            last = seen[-1]["sequence"] if seen else after
            headers = bearer(stack, subject) | ({} if last is None else {"last-event-id": str(last)})
            path = f"/v1/status/{application_id}/events"
            async with client.stream("GET", path, headers=headers, timeout=_SILENCE) as stream:
                assert stream.status_code == 200, await stream.aread()
                with contextlib.suppress(httpx.TransportError):
                    await _read_until_settled(stream, seen)
    return seen


async def _read_until_settled(stream: httpx.Response, seen: list[dict[str, Any]]) -> None:
    async for line in stream.aiter_lines():
        if line.startswith("data:"):
            seen.append(json.loads(line[5:]))
            if seen[-1]["status"] in SETTLED:
                return


async def follow_websocket(
    stack: Stack, application_id: str, *, subject: str = "alice"
) -> list[dict[str, Any]]:
    token = stack.token(subject, "applicant")
    address = stack.gateway_url.replace("https", "wss")
    seen: list[dict[str, Any]] = []
    async with (
        asyncio.timeout(60),
        websockets.connect(
            f"{address}/v1/status/{application_id}/ws?access_token={token}", ssl=tls(stack)
        ) as socket,
    ):
        async for text in socket:
            seen.append(json.loads(text))
            if seen[-1]["status"] in SETTLED:
                break
    return seen


async def settled(
    client: httpx.AsyncClient, stack: Stack, application_id: str, subject: str = "alice"
) -> str:
    """The status once it stands still."""
    changes = await follow_sse(client, stack, application_id, subject=subject)
    return str(changes[-1]["status"])
