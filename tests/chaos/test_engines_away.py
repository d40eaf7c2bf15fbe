"""Engines are killed under load and come back; what was accepted is finished, and nothing else is restarted."""

import asyncio
import uuid

import httpx
import pytest

from support.applications import application_of_its_own
from support.clients import bearer, browser, follow_sse
from support.three_checks import problems_at_rest

pytestmark = pytest.mark.e2e


async def patiently_submitted(client: httpx.AsyncClient, stack) -> str:
    """As a good client would: the same key until there is an answer."""
    headers = bearer(stack, role="partner") | {"idempotency-key": str(uuid.uuid4())}
    async with asyncio.timeout(60):
        while True:
            try:
                answer = await client.post("/v1/applications", json=application_of_its_own(), headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(0.2)
                continue
            if answer.status_code == 202:
                return answer.json()["id"]
            assert answer.status_code in {409, 429, 500, 502, 503, 504}, answer.text
            await asyncio.sleep(0.2)


async def patiently_followed(client: httpx.AsyncClient, stack, application_id: str) -> str:
    """Opens the stream again, where it ended, until the application stands still."""
    async with asyncio.timeout(120):
        while True:
            try:
                seen = await follow_sse(client, stack, application_id)
            except (httpx.TransportError, AssertionError):
                await asyncio.sleep(0.3)
                continue
            if seen and seen[-1]["status"] == "disbursed":
                return seen[-1]["status"]


@pytest.mark.parametrize("engine", ["kafka", "postgres", "valkey", "gateway", "application-api-1"])
async def test_an_engine_that_dies_under_load_loses_nothing(fleet, engine):
    restarts = {record.instance: record.restarts for record in fleet.processes()}
    async with browser(fleet) as client:
        first = await asyncio.gather(*(patiently_submitted(client, fleet) for _ in range(10)))
        fleet.kill(engine)
        second = await asyncio.gather(*(patiently_submitted(client, fleet) for _ in range(10)))
        results = await asyncio.gather(*(patiently_followed(client, fleet, one) for one in first + second))
    assert results == ["disbursed"] * 20
    assert len({*first, *second}) == 20
    assert await problems_at_rest(fleet.settings) == []
    for record in fleet.processes():
        if record.instance != engine:
            assert record.restarts == restarts[record.instance], f"{record.instance} was restarted too"
