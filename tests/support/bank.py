"""The real sandbox bank for tests: over real HTTP in the test's own loop, or as a process that can be killed."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import uvicorn
from prometheus_client import CollectorRegistry

from fundline.platform.clock import new_id, utc_now
from fundline.platform.http.api import api
from fundline.platform.http.edge import Edge
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.bank_sandbox.bookkeeper import Bookkeeper
from fundline.services.bank_sandbox.conduct import Conduct, Punctual
from fundline.services.bank_sandbox.routes import bank_routes
from fundline.services.bank_sandbox.use_cases import Bank


class Moody:
    """A conduct whose faults a test switches on and off."""

    def __init__(self) -> None:
        self.silent_after_booking = False
        self.silent_before_booking = False
        self.broken = False
        self.arrived = asyncio.Event()

    async def before_booking(self, payment_id: str) -> None:
        self.arrived.set()
        if self.broken:
            raise RuntimeError("the bank's own bug")
        if self.silent_before_booking:
            await asyncio.sleep(60)

    async def before_answering(self, payment_id: str) -> None:
        if self.silent_after_booking:
            await asyncio.sleep(60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def bank_over_http(
    ledger: Path, conduct: Conduct | None = None, *, max_in_process: int = 100
) -> AsyncIterator[str]:
    """Yields the base URL."""
    bookkeeper = Bookkeeper(ledger)
    bank = Bank(
        bookkeeper, conduct or Punctual(0), max_in_process=max_in_process, now=utc_now, fresh_id=new_id
    )
    app = Edge(api(bank_routes(bank)), metrics=Metrics(CollectorRegistry()))
    port = free_port()
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await until_ready(f"http://127.0.0.1:{port}", path="/v1/statement")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving
        await bookkeeper.close()


class BankProcess:
    """The bank as it runs in the fleet."""

    def __init__(self, ledger: Path, *, delay_ms: int = 0) -> None:
        self.ledger, self._delay_ms = ledger, delay_ms
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
        }
        self._process = _spawn(environment, self.log_file)
        await until_ready(self.url)

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is said."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _spawn(environment: dict[str, str], log_file: Path) -> "subprocess.Popen[bytes]":
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "fundline.services.bank_sandbox.main"],
            env=environment,
            stdout=log,
            stderr=log,
        )


async def until_ready(url: str, path: str = "/health/ready") -> None:
    async with httpx.AsyncClient(base_url=url, timeout=1) as client:
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
    async with httpx.AsyncClient(base_url=url, timeout=5) as client:
        while cursor is not None:
            answer = await client.get("/v1/statement", params={"cursor": cursor, "limit": page})
            answer.raise_for_status()
            lines += answer.json()["payments"]
            cursor = answer.json()["nextCursor"]
    return lines
