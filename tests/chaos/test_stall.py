"""A process that stands still without dying: nobody waits for it longer than its lock or its session lasts."""

import asyncio
import os
import signal

import httpx
import pytest

from support.clients import browser, settled, submit

pytestmark = pytest.mark.e2e
EXPRESS_LANE, STANDARD_LANE = "50000.00", "60000.00"


async def leading_router(fleet) -> str:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(30):
        while True:
            for number in (1, 2):
                settings = fleet.environment("event-router", number)
                page = await client.get(f"http://127.0.0.1:{settings['FUNDLINE_HTTP_PORT']}/metrics")
                if "fundline_outbox_leader 1.0" in page.text:
                    return settings["FUNDLINE_INSTANCE"]
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    "process", ["event-router", "risk-worker", "risk-worker-express", "disbursement-worker"]
)
async def test_a_stopped_process_is_followed_and_does_no_harm_when_it_wakes(fleet, process):
    """Promise 16, on both lanes. In the midst of a score: test_risk_worker_processes.py."""
    amount = STANDARD_LANE if process == "risk-worker" else EXPRESS_LANE
    instance = await leading_router(fleet) if process == "event-router" else f"{process}-1"
    pid = next(r.identity.pid for r in fleet.processes() if r.instance == instance and r.identity)
    os.kill(pid, signal.SIGSTOP)
    try:
        async with browser(fleet) as client:
            made = [await submit(client, fleet, amount=amount) for _ in range(8)]
            results = await asyncio.gather(*(settled(client, fleet, one["id"]) for one in made))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert results == ["disbursed"] * 8
    async with browser(fleet) as client:
        assert await settled(client, fleet, (await submit(client, fleet))["id"]) == "disbursed"
