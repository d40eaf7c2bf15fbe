"""Two instances behind the gateway, and one of them dies, stops, freezes or comes back."""

import asyncio
import os
import signal
import ssl
import subprocess
import sys
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from fundline.stack.engines.envoy import Gateway
from fundline.stack.engines.envoy_view import GatewayView
from fundline.stack.keys import StackKeys, mint_token
from fundline.stack.layout import LOOPBACK

pytestmark = pytest.mark.integration
TESTS = Path(__file__).parents[2]
LIMIT_S = 30
AT_ONCE = 8
"""Enough that none of the two instances is left out."""


class Instances:
    """Small services on ports of the status service, whose processes a test kills and starts again."""

    def __init__(self, home, ports):
        self._home, self._ports, self._processes = home, ports, {}

    @property
    def ports(self):
        return [self._ports.of_process("status-service", number) for number in (1, 2)]

    def start(self, number):
        environment = {
            **os.environ,
            "PYTHONPATH": str(TESTS),
            "FUNDLINE_HTTP_PORT": str(self.ports[number - 1]),
            "FUNDLINE_INSTANCE": f"small-{number}",
            "FUNDLINE_DRAIN_NOTICE_S": "2",
        }
        with self._home.log_file(f"small-{number}").open("ab") as log:
            self._processes[number] = subprocess.Popen(
                [sys.executable, "-m", "support.small_service"], env=environment, stdout=log, stderr=log
            )
        return self._processes[number]

    def signal(self, number, which):
        self._processes[number].send_signal(which)

    async def ended(self, number):
        return await asyncio.to_thread(self._processes[number].wait, LIMIT_S)

    def kill_all(self):
        for process in self._processes.values():
            process.kill()
            process.wait()


@pytest.fixture
def instances(home, ports):
    home.create()
    running = Instances(home, ports)
    for number in (1, 2):
        running.start(number)
    yield running
    running.kill_all()


@pytest.fixture
def gateway(home, ports, instances, start_engine):
    with start_engine(
        Gateway(home, ports, {"application-api": instances.ports, "status-service": instances.ports})
    ) as running:
        yield running.engine


@pytest.fixture
async def client(home, gateway):
    trust = ssl.create_default_context(cafile=str(StackKeys(home).authority_certificate))
    bearer = {"authorization": f"Bearer {mint_token(home, 'anna', 'applicant')}"}
    async with httpx.AsyncClient(
        base_url=gateway.address, verify=trust, trust_env=False, timeout=LIMIT_S, headers=bearer
    ) as client:
        await rotation(gateway, 2)
        yield client


async def rotation(gateway, number):
    """Until the gateway sends requests to this many instances."""
    view = GatewayView(gateway.administration)
    async with asyncio.timeout(LIMIT_S):
        while sum((await asyncio.to_thread(view.in_rotation)).values()) != number:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def asked_all_the_time(client, every_s=0.01):
    """GET and POST in turn, whether or not the last one was answered; yields what came back, counted at the end."""
    answers, stop = Counter(), asyncio.Event()

    async def ask(method):
        try:
            answer = await client.request(method, "/v1/applications/1")
            answers[answer.status_code] += 1
        except httpx.TransportError as error:
            answers[repr(error)] += 1

    async def go_on():
        async with asyncio.TaskGroup() as asked:
            while not stop.is_set():
                asked.create_task(ask("GET"))
                asked.create_task(ask("POST"))
                await asyncio.sleep(every_s)

    asking = asyncio.create_task(go_on())
    try:
        yield answers
    finally:
        stop.set()
        await asking


async def test_an_instance_that_is_asked_to_stop_refuses_nothing_and_neither_does_its_successor(
    client, gateway, instances
):
    """Before: its port closed at once, and the gateway tried it three times within 55 ms."""
    async with asked_all_the_time(client) as answers:
        for number in (1, 2):
            instances.signal(number, signal.SIGTERM)
            assert await instances.ended(number) == 0
            instances.start(number)
            await rotation(gateway, 2)
    assert set(answers) == {200}
    assert answers.total() > AT_ONCE


async def test_what_a_dead_instance_was_not_yet_asked_goes_to_the_other(client, gateway, instances):
    """The balancer prefers the idle instance, and a dead one is idle: it was chosen again and again."""
    for number in (1, 2):
        instances.signal(number, signal.SIGKILL)
        await instances.ended(number)
        answers = await asyncio.gather(*(client.post("/v1/applications") for _ in range(5 * AT_ONCE)))
        assert {answer.status_code for answer in answers} == {200}
        instances.start(number)
        await rotation(gateway, 2)


async def test_a_read_in_the_hands_of_a_dead_instance_is_repeated_and_a_write_is_not(client, instances):
    held = {"seconds": 2}
    reads = [asyncio.create_task(client.get("/v1/applications/1", params=held)) for _ in range(AT_ONCE)]
    writes = [asyncio.create_task(client.post("/v1/applications", params=held)) for _ in range(AT_ONCE)]
    await asyncio.sleep(0.5)  # all of them have been handed over
    instances.signal(1, signal.SIGKILL)
    read, written = await asyncio.gather(*reads), await asyncio.gather(*writes)
    assert {answer.status_code for answer in read} == {200}
    assert {answer.json()["instance"] for answer in read} == {"small-2"}
    assert {answer.status_code for answer in written} == {200, 503}
    refused = [answer for answer in written if answer.status_code == 503]
    assert {answer.json()["type"] for answer in refused} == {"urn:fundline:problem:unavailable"}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}


async def test_a_read_that_meets_a_frozen_instance_is_answered_by_the_other(client, instances):
    """They are held for a moment, so that the frozen instance gets its share of them."""
    instances.signal(1, signal.SIGSTOP)
    held = {"seconds": 1}
    answers = await asyncio.gather(*(client.get("/v1/status/1", params=held) for _ in range(AT_ONCE)))
    assert {(answer.status_code, answer.json()["instance"]) for answer in answers} == {(200, "small-2")}


async def test_an_instance_that_is_back_before_the_gateway_has_looked_is_asked_all_the_same(
    client, gateway, instances
):
    """Both are out of rotation; a request goes to either, and meets the one that is there."""
    for number in (1, 2):
        instances.signal(number, signal.SIGKILL)
        await instances.ended(number)
    await rotation(gateway, 0)
    instances.start(2)
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                async with httpx.AsyncClient(trust_env=False) as direct:
                    await direct.get(f"http://{LOOPBACK}:{instances.ports[1]}/health/live")
                break
            except httpx.TransportError:
                await asyncio.sleep(0.01)
    answers = await asyncio.gather(*(client.post("/v1/applications") for _ in range(AT_ONCE)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_draining_instance_says_so_to_the_gateway_and_not_to_clients(client, instances):
    async with httpx.AsyncClient(trust_env=False) as direct:
        instances.signal(1, signal.SIGTERM)
        async with asyncio.timeout(LIMIT_S):
            while True:
                answer = await direct.get(f"http://{LOOPBACK}:{instances.ports[0]}/v1/status/1")
                if "x-envoy-immediate-health-check-fail" in answer.headers:
                    break
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"
        ready = await direct.get(f"http://{LOOPBACK}:{instances.ports[0]}/health/ready")
        assert ready.status_code == 503
    through = await asyncio.gather(*(client.get("/v1/status/1") for _ in range(AT_ONCE)))
    assert {answer.status_code for answer in through} == {200}
    assert not any("x-envoy-immediate-health-check-fail" in answer.headers for answer in through)
