import asyncio
import json
import subprocess
import sys

import pytest

from support.clients import bearer, browser, settled, submit

pytestmark = pytest.mark.e2e


def fundline(fleet, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As a person calls it beside the running stack."""
    return subprocess.run(
        [sys.executable, "-m", "fundline.cli", *arguments, "--home", str(fleet.home.root)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def anchored(fleet, reference: str) -> dict:
    """The story, once all of it is anchored."""
    async with asyncio.timeout(60):
        while True:
            done = await asyncio.to_thread(fundline, fleet, "audit", "show", reference, "--json")
            story = json.loads(done.stdout)
            if all(entry["anchored"] for entry in story["entries"]):
                return story
            await asyncio.sleep(0.2)


async def test_the_trail_tells_how_an_application_was_paid_and_the_whole_trail_verifies(fleet):
    async with browser(fleet) as client:
        made = await submit(client, fleet)
        assert await settled(client, fleet, made["id"]) == "disbursed"
        story = await anchored(fleet, made["trackingId"].lower())
        answer = await client.get(f"/v1/audit/{made['id']}", headers=bearer(fleet, "carl", "compliance"))
    told = [(entry["action"], entry["process"]) for entry in story["entries"]]
    ways = [
        ("application.processing", "application-api"),
        ("application.risk_scoring", "risk-worker"),
        ("assessment.recorded", "risk-worker"),
        ("application.approved", "risk-worker"),
        ("payment.submitted", "disbursement-worker"),
        ("application.disbursed", "disbursement-worker"),
        ("payment.settled", "disbursement-worker"),
    ]
    assert [step for step in told if step in ways] == ways
    assert answer.json()["entries"] == story["entries"]
    verified = await asyncio.to_thread(fundline, fleet, "audit", "verify", "--json")
    found = json.loads(verified.stdout)
    assert (verified.returncode, found["findings"]) == (0, [])
    assert found["anchors"] > 0
