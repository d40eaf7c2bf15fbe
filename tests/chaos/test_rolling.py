"""One of two instances dies, stops or freezes under load, and nobody who reads, submits or watches notices.

50 reads and 10 submissions a second, 200 watchers and one more for each submission; every instance of every public
service in turn.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from chaos.traffic import REFERRED, STANDING_WATCHERS, WATCHERS_OF_ONE, Traffic
from fundline.demo.client import STREAM_TIMEOUT
from fundline.stack.engines.envoy_view import GatewayView
from fundline.stack.fleet import BEHIND_THE_GATEWAY
from fundline.stack.rolling import Rolling
from fundline.stack.running import Stack
from fundline.stack.state import ProcessRecord, StateFile
from support.clients import tls
from support.three_checks import problems_at_rest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
BACK_WITHIN_S = 60
FEW = httpx.Limits(max_connections=40)
"""On a busy machine requests wait for a connection: a handshake for each would only make it busier."""
MANY = httpx.Limits(max_connections=None, max_keepalive_connections=None)

SILENCE = httpx.Timeout(60, read=STREAM_TIMEOUT.read)
"""Two missed heartbeats; the driver itself may be slow to connect hundreds of streams."""


def public(fleet: Stack) -> list[ProcessRecord]:
    return [record for record in fleet.processes() if record.process in BEHIND_THE_GATEWAY]


async def all_in_rotation(fleet: Stack) -> None:
    view = GatewayView(fleet.gateway.administration)
    async with asyncio.timeout(BACK_WITHIN_S):
        while not ((seen := await asyncio.to_thread(view.in_rotation)) and all(seen.values())):
            await asyncio.sleep(0.1)


async def back(fleet: Stack, before: ProcessRecord) -> None:
    """Until there is another process in the place of this one, and the gateway sends it requests."""
    async with asyncio.timeout(BACK_WITHIN_S):
        while next(r for r in fleet.processes() if r.instance == before.instance).identity in (
            None,
            before.identity,
        ):
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)  # so that the gateway has looked at the port while nobody listened
    await all_in_rotation(fleet)


@asynccontextmanager
async def traffic_on(fleet: Stack) -> AsyncIterator[Traffic]:
    """At its end everything that was begun has ended well, every stream without a gap, and the books are whole."""
    await all_in_rotation(fleet)
    trust = tls(fleet)
    async with (
        httpx.AsyncClient(
            base_url=fleet.gateway_url, verify=trust, timeout=60, limits=FEW, trust_env=False
        ) as client,
        httpx.AsyncClient(
            base_url=fleet.gateway_url, verify=trust, timeout=SILENCE, limits=MANY, trust_env=False
        ) as streams,
    ):
        traffic, stop = Traffic(fleet, client, streams), asyncio.Event()
        await traffic.prepare()
        flowing = asyncio.create_task(traffic.flow(stop))
        try:
            yield traffic
        finally:
            stop.set()
            await flowing
        await traffic.decide()
    assert traffic.troubles == {}
    assert len(set(traffic.accepted)) == len(traffic.accepted)
    assert traffic.reopened > 0, "no stream has seen anything of it"
    assert await problems_at_rest(fleet.settings) == []


async def test_a_rolling_restart_refuses_nobody_and_no_stream_has_a_gap(fleet):
    """`fundline restart`, as a person rolls a new version out.

    Before, 6 of 1,000 submissions and 21 of 200 streams were refused at first.
    """
    assert REFERRED * WATCHERS_OF_ONE == STANDING_WATCHERS
    before = {record.instance: record.identity for record in public(fleet)}
    said: list[str] = []
    async with traffic_on(fleet) as traffic:
        rolling = Rolling(StateFile(fleet.home.run), said.append)
        await asyncio.to_thread(rolling.restart, BEHIND_THE_GATEWAY)
    assert [refusal.sentence for refusal in traffic.refusals] == []
    assert all(record.identity != before[record.instance] for record in public(fleet))
    assert len(said) == 2 * len(before)


async def test_a_killed_instance_takes_nothing_with_it_but_the_submission_in_its_hands(fleet):
    """A submission that was under way may fail once; its key makes it one application.

    Before, a stream that was asked for just after the kill got 503.
    """
    kills: list[float] = []
    async with traffic_on(fleet) as traffic:
        for victim in public(fleet):
            kills.append(time.monotonic())
            await asyncio.to_thread(fleet.kill, victim.instance)
            kills.append(time.monotonic())
            await back(fleet, victim)
    unexplained = [
        refusal.sentence
        for refusal in traffic.refusals
        if not any(refusal.was_under_way_at(moment) for moment in kills)
    ]
    assert unexplained == []


async def test_the_streams_of_a_frozen_instance_are_closed_and_go_on_at_the_other(fleet):
    """They stayed open for an hour and said nothing. Reads that meet it are answered by the other."""
    frozen = [record for record in public(fleet) if record.process == "status-service"]
    async with traffic_on(fleet):
        for victim in frozen:
            assert victim.identity is not None
            os.kill(victim.identity.pid, signal.SIGSTOP)
            try:
                await no_stream_at(fleet, victim)
            finally:
                os.kill(victim.identity.pid, signal.SIGCONT)
            await all_in_rotation(fleet)
    assert {r.instance: r.identity for r in frozen}.items() <= {
        r.instance: r.identity for r in public(fleet)
    }.items()


async def no_stream_at(fleet: Stack, instance: ProcessRecord) -> None:
    port = urlsplit(instance.address).port
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(BACK_WITHIN_S):
        while True:
            page = (await client.get(f"{fleet.gateway.administration}/clusters?format=json")).json()
            (streams,) = (c for c in page["cluster_statuses"] if c["name"] == "status_streams")
            (host,) = (
                h for h in streams["host_statuses"] if h["address"]["socket_address"]["port_value"] == port
            )
            active = next(int(s.get("value", 0)) for s in host["stats"] if s["name"] == "rq_active")
            if active == 0 and "failed_active_health_check" in host["health_status"]:
                return
            await asyncio.sleep(0.2)
