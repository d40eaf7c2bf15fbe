"""A model service that takes longer than anybody waits: applicants notice nothing but a referral."""

import asyncio
import os
import signal

import httpx
import pytest

from support.clients import browser, follow_sse, settled, submit

pytestmark = pytest.mark.e2e
AT_ONCE = 24
WORKERS = [(process, number) for process in ("risk-worker", "risk-worker-express") for number in (1, 2)]


async def open_breakers(fleet) -> list[str]:
    """Of the workers, those that leave the model alone."""
    found = []
    async with httpx.AsyncClient(trust_env=False) as client:
        for process, number in WORKERS:
            settings = fleet.environment(process, number)
            page = await client.get(f"http://127.0.0.1:{settings['FUNDLINE_HTTP_PORT']}/metrics")
            if 'fundline_breaker_state{dependency="model-service"} 0.0' not in page.text:
                found.append(settings["FUNDLINE_INSTANCE"])
    return found


async def test_a_model_service_that_stands_still_delays_no_answer_and_is_found_again(fleet):
    """Promise 5. The API's P95 beside such a model is a figure of `make bench SUITE=risk`; here nobody waits for it.

    The stopped service accepts connections and never answers, which is slower than the promise's 30 s.
    """
    (pid,) = (r.identity.pid for r in fleet.processes() if r.instance == "model-service-1" and r.identity)
    os.kill(pid, signal.SIGSTOP)
    try:
        async with browser(fleet) as client:
            made = await asyncio.gather(*(submit(client, fleet) for _ in range(AT_ONCE)))
            seen = await asyncio.gather(*(follow_sse(client, fleet, one["id"]) for one in made))
            assert await open_breakers(fleet) != []
    finally:
        os.kill(pid, signal.SIGCONT)
    assert [changes[-1]["status"] for changes in seen] == ["pending_review"] * AT_ONCE
    reasons = {reason["code"] for changes in seen for reason in changes[-1]["metadata"]["principalReasons"]}
    assert reasons == {"model_unavailable"}
    async with browser(fleet) as client, asyncio.timeout(120):
        while await open_breakers(fleet):
            made = [await submit(client, fleet) for _ in range(8)]
            await asyncio.gather(*(settled(client, fleet, one["id"]) for one in made))
        assert await settled(client, fleet, (await submit(client, fleet))["id"]) == "disbursed"
