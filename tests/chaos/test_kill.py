"""Kill -9 while applications are on their way; afterwards nothing is lost and nobody is paid twice."""

import asyncio

import pytest

from support.clients import browser, settled, submit
from support.three_checks import problems_at_rest

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    "instance",
    ["risk-worker-1", "risk-worker-express-1", "disbursement-worker-1", "event-router-1", "event-router-2",
     "application-events-1", "status-service-1", "bank-sandbox-1"],
)  # fmt: skip
async def test_killing_a_process_loses_nothing_and_pays_nobody_twice(fleet, instance):
    async with browser(fleet) as client:
        made = [await submit(client, fleet) for _ in range(10)]
        fleet.kill(instance)
        made += [await submit(client, fleet) for _ in range(10)]
        results = await asyncio.gather(*(settled(client, fleet, one["id"]) for one in made))
    assert results == ["disbursed"] * 20
    assert await problems_at_rest(fleet.settings) == []
