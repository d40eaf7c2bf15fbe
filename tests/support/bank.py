"""The real sandbox bank for tests: over real HTTP in the test's own loop, or as a process that can be killed."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import uvicorn
from prometheus_client import CollectorRegistry

from fundline.outside.bank_sandbox.admin_routes import admin_routes
from fundline.outside.bank_sandbox.bank import Bank, Terms
from fundline.outside.bank_sandbox.bookkeeper import Bookkeeper
from fundline.outside.bank_sandbox.conduct import ByTheRules, Conduct, Decision
from fundline.outside.bank_sandbox.faults import Call, FaultBook
from fundline.outside.bank_sandbox.misbehaviour import Doors
from fundline.outside.bank_sandbox.outcomes import Outcomes
from fundline.outside.bank_sandbox.routes import bank_routes
from fundline.outside.bank_sandbox.store import Payment
from fundline.platform.clock import new_id, utc_now
from fundline.platform.http.api import api
from fundline.platform.http.client import trust_for
from fundline.platform.http.edge import Edge
from fundline.platform.http.sockets import CuttableProtocol
from fundline.platform.telemetry.metrics import Metrics
from support.ports import free_port


class Moody:
    """A conduct whose faults a test switches on and off."""

    def __init__(self) -> None:
        self.silent_after_booking = False
        self.silent_before_booking = False
        self.broken = False
        self.arrived = asyncio.Event()

    async def on_arrival(self, call: Call) -> None:
        if call.operation != "pay":
            return
        self.arrived.set()
        if self.broken:
            raise RuntimeError("the bank's own bug")
        if self.silent_before_booking:
            await asyncio.sleep(60)

    def decide(self, call: Call) -> Decision:
        return Decision()

    async def before_answering(self, call: Call) -> None:
        if call.operation == "pay" and self.silent_after_booking:
            await asyncio.sleep(60)

    def as_answered(self, call: Call, payment: Payment) -> Payment | None:
        return payment


@contextlib.asynccontextmanager
async def bank_over_http(
    ledger: Path, conduct: Conduct | None = None, *, max_in_process: int = 100
) -> AsyncIterator[str]:
    """Yields the base URL. Without a conduct, that of its fault rules."""
    bookkeeper, faults = Bookkeeper(ledger), FaultBook()
    outcomes = Outcomes(bookkeeper, now=utc_now, fresh_id=new_id)
    bank = Bank(
        bookkeeper,
        conduct or ByTheRules(0, faults),
        outcomes,
        terms=Terms(max_in_process),
        now=utc_now,
        fresh_id=new_id,
    )
    routes = [*bank_routes(bank, Doors()), *admin_routes(bank, faults)]
    app = Edge(api(routes), metrics=Metrics(CollectorRegistry()))
    port = free_port()
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        http=CuttableProtocol,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    stop = asyncio.Event()
    running = [asyncio.create_task(server.serve()), asyncio.create_task(outcomes.run(stop))]
    await until_ready(f"http://127.0.0.1:{port}", path="/admin/counts")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        server.should_exit = True
        await asyncio.gather(*running)
        await bookkeeper.close()


class BankProcess:
    """The bank as it runs in the fleet."""

    def __init__(self, ledger: Path, *, delay_ms: int = 0, **settings: str) -> None:
        """`settings` are further FUNDLINE_ settings, by their names without that."""
        self.ledger, self._delay_ms = ledger, delay_ms
        self._settings = {f"FUNDLINE_{name.upper()}": value for name, value in settings.items()}
        self.log_file = Path(f"{ledger}.log")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        environment = {
            **os.environ,
            "FUNDLINE_HTTP_PORT": str(self.port),
            "FUNDLINE_BANK_DATABASE": str(self.ledger),
            "FUNDLINE_BANK_DELAY_MS": str(self._delay_ms),
            **self._settings,
        }
        self._process = _spawn(environment, self.log_file)
        await until_ready(self.url)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is said."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _spawn(environment: dict[str, str], log_file: Path) -> "subprocess.Popen[bytes]":
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "fundline.outside.bank_sandbox.main"],
            env=environment,
            stdout=log,
            stderr=log,
        )


async def until_ready(url: str, path: str = "/health/ready") -> None:
    async with httpx.AsyncClient(base_url=url, timeout=1, verify=trust_for(url)) as client:
        for _ in range(1200):  # a minute at least: test machines are busy
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(path)).is_success:
                    return
            await asyncio.sleep(0.05)
    raise AssertionError(f"nothing became ready at {url}")


async def whole_statement(url: str, *, page: int = 100) -> list[dict[str, str]]:
    """Every line of the bank's statement, page by page."""
    lines: list[dict[str, str]] = []
    cursor = "0"
    async with httpx.AsyncClient(base_url=url, timeout=5, verify=trust_for(url)) as client:
        while cursor is not None:
            answer = await client.get("/v1/statement", params={"cursor": cursor, "limit": page})
            answer.raise_for_status()
            lines += answer.json()["payments"]
            cursor = answer.json()["nextCursor"]
    return lines


async def add_fault(url: str, kind: str, **rule: object) -> int:
    """The number of the new rule; the fields are those of the wire."""
    async with httpx.AsyncClient(base_url=url, timeout=5, verify=trust_for(url)) as client:
        answer = await client.post("/admin/faults", json={"kind": kind, **rule})
        answer.raise_for_status()
        return int(answer.json()["id"])


async def clear_faults(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=5, verify=trust_for(url)) as client:
        (await client.delete("/admin/faults")).raise_for_status()
