"""Promises 19 and 28: a small file system under each folder in turn is filled under load, and freed again.

Nothing that was accepted is lost, writes that cannot be kept answer 503 with Retry-After, and when there is room again
everything goes on without a hand on it. One stack of its own for all of them: its folders are the small disks.
"""

import asyncio
import contextlib
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx
import pytest

from fundline.platform.command_errors import CommandFailed
from fundline.platform.database import Database, open_database
from fundline.platform.http.client import trust_for
from fundline.platform.settings import DatabaseSettings
from fundline.stack.engines.postgres import PostgresNode
from fundline.stack.fleet import FLEET
from fundline.stack.keys import StackKeys
from fundline.stack.layout import Ports, StackHome
from fundline.stack.private import private_home
from fundline.stack.running import Stack
from fundline.stack.up import running_stack
from support.applications import application_of_its_own
from support.clients import SETTLED, bearer, browser
from support.engines import kill_services
from support.ports import free_ports
from support.small_disk import SmallDisk, small_disk
from support.three_checks import problems_at_rest

pytestmark = pytest.mark.e2e

NEEDED = {
    "bank-sandbox", "model-service", "event-router", "risk-worker", "risk-worker-express", "disbursement-worker",
    "application-events", "application-api", "status-service",
}  # fmt: skip
SMALL_FLEET = tuple(replace(process, instances=1) for process in FLEET if process.name in NEEDED)
LIMIT_S = 120
WAITING_EVENTS = "select count(*) from outbox"
UNPAID = "select count(*) from disbursements where state not in ('settled', 'failed')"
FILL_THE_LOG = (
    "select pg_logical_emit_message(false, 'test', repeat('x', 4000000)) from generate_series(1, 20);"
)
ANCHORING_CASES = "select count(*) from cases where subject = 'anchoring' and state = $1"


@dataclass
class Flow:
    """Applicants who submit all the time, each again with its key until it is accepted, and then look at it."""

    stack: Stack
    client: httpx.AsyncClient
    accepted: list[str] = field(default_factory=list)
    refused: list[httpx.Response] = field(default_factory=list)

    async def submit(self) -> None:
        headers = bearer(self.stack, role="partner") | {"idempotency-key": str(uuid.uuid4())}
        while True:
            answer = await self.client.post(
                "/v1/applications", json=application_of_its_own(), headers=headers
            )
            if answer.status_code == httpx.codes.ACCEPTED:
                self.accepted.append(answer.json()["id"])
                break
            self.refused.append(answer)
            await asyncio.sleep(0.3)
        answer = await self.client.get(f"/v1/status/{self.accepted[-1]}", headers=bearer(self.stack))
        if answer.status_code != httpx.codes.OK:
            self.refused.append(answer)

    async def accept_more(self, count: int = 10) -> None:
        aim = len(self.accepted) + count
        await until(lambda: len(self.accepted) >= aim)

    async def run(self) -> None:
        while True:
            await self.submit()
            await asyncio.sleep(0.1)


@asynccontextmanager
async def flow(stack: Stack) -> AsyncIterator[Flow]:
    """At the end everything that was accepted has been paid, and the books agree with the bank's."""
    async with browser(stack) as client:
        made = Flow(stack, client)
        submitting = [asyncio.create_task(made.run()) for _ in range(2)]
        try:
            await made.accept_more()
            yield made
            await made.accept_more()
        finally:
            for task in submitting:
                task.cancel()
            results = await asyncio.gather(*submitting, return_exceptions=True)
        assert {type(result) for result in results} == {asyncio.CancelledError}, results
        # one after the other: a hundred that ask twice a second take the processor from those who pay
        ends = [await standing(client, stack, one) for one in made.accepted]
        assert ends == ["disbursed"] * len(made.accepted)
    assert await problems_at_rest(stack.settings) == []


async def standing(client: httpx.AsyncClient, stack: Stack, application_id: str) -> str:
    """The status once it stands still."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            answer = await client.get(f"/v1/status/{application_id}", headers=bearer(stack))
            if answer.status_code == httpx.codes.OK and answer.json()["status"] in SETTLED:
                return str(answer.json()["status"])
            await asyncio.sleep(0.5)


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.1)


@dataclass(frozen=True)
class Place:
    """The stack, and the small disks below its folders."""

    stack: Stack
    disks: dict[str, SmallDisk]

    def restarts(self, instance: str) -> int:
        return next(record.restarts for record in self.stack.processes() if record.instance == instance)

    def has_logged(self, name: str, text: str) -> bool:
        return text in self.stack.home.log_file(name).read_text()

    async def metric(self, process: str, name: str, labels: str = "") -> float:
        port = self.stack.environment(process)["FUNDLINE_HTTP_PORT"]
        url = f"http://127.0.0.1:{port}/metrics"
        async with httpx.AsyncClient(trust_env=False, verify=trust_for(url)) as client:
            page = await client.get(url)
        lines = [line for line in page.text.splitlines() if line.startswith(f"fundline_{name}{labels}")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with ExitStack() as opened:
        home, ports, disks = opened.enter_context(private_home()).create(), free_ports(), {}

        def put(name: str, folder: str, megabytes: int) -> None:
            disks[name] = opened.enter_context(small_disk(home.root / folder, megabytes))

        put("logs", "logs", 24)
        put("run", "run", 4)
        put("kafka", "data/kafka", 300)
        put("anchors", "data/audit", 1)
        put("bank", "data/bank", 8)
        (home.data / "bank-sandbox.sqlite").symlink_to(home.data / "bank" / "ledger.sqlite")
        made = make_database(home, ports)
        put("database", "data/postgres", 500)
        move(made, home.data / "postgres")
        with running_stack(home, ports, fleet=SMALL_FLEET) as stack:
            # Above the cache's folder only now: on a disk that is small at the start it would not write its file.
            put("cache", "data/valkey", 16)
            stack.kill("valkey")
            made_of_all = Place(stack, disks)
            asyncio.run(until(lambda: made_of_all.restarts("valkey") == 1))
            yield made_of_all
            kill_services(stack)


def make_database(home: StackHome, ports: Ports) -> str:
    """Made on the large disk: a new data folder comes by a rename, which does not cross file systems."""
    StackKeys(home).create()
    PostgresNode(home, ports.postgres).prepare(lambda _line: None)
    return shutil.move(home.data / "postgres", home.data / "postgres.made")


def move(made: str, to: object) -> None:
    subprocess.run(["cp", "-a", f"{made}/.", str(to)], check=True)
    shutil.rmtree(made)


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Database]:
    opened = await open_database(
        DatabaseSettings(database_url=place.stack.settings["FUNDLINE_DATABASE_URL"], database_pool_size=2)
    )
    yield opened
    await opened.close()


async def count(database: Database, statement: str, *arguments: str) -> int:
    row = await database.fetchrow(statement, *arguments)
    return int(row[0])


async def test_logs(place):
    """Incident: 173 submissions timed out, and eleven processes restarted for ever."""
    before = [record.restarts for record in place.stack.processes()]
    async with flow(place.stack) as running:
        place.disks["logs"].fill()
        await until(lambda: is_positive(place.metric("application-api", "log_lines_lost_total")))
        await running.accept_more(20)
        place.stack.kill("risk-worker-express-1")
        await running.accept_more(20)
        place.disks["logs"].free()
    assert running.refused == []
    assert sum(record.restarts for record in place.stack.processes()) == sum(before) + 1
    assert place.has_logged("application-api-1", '"message":"logs.lost"')


async def test_the_runners_own_folder(place):
    async with flow(place.stack) as running:
        place.disks["run"].fill()
        before = place.restarts("event-router-1")
        place.stack.kill("event-router-1")
        await until(lambda: place.restarts("event-router-1") > before)
        await running.accept_more(20)
        place.disks["run"].free()
    assert running.refused == []


async def test_anchors(place, database):
    async with flow(place.stack) as running:
        place.disks["anchors"].fill()
        await until(lambda: is_positive(count(database, ANCHORING_CASES, "open")))
        await running.accept_more(20)
        place.disks["anchors"].free()
        await until(lambda: is_positive(count(database, ANCHORING_CASES, "resolved")))
    assert running.refused == []
    assert await count(database, ANCHORING_CASES, "open") == 0


async def test_kafka(place, database):
    async with flow(place.stack) as running:
        before = place.restarts("kafka")
        place.disks["kafka"].fill()
        await until(lambda: place.restarts("kafka") > before)
        await running.accept_more(30)
        assert await count(database, WAITING_EVENTS) > 0
        place.disks["kafka"].free()
    assert running.refused == []


async def test_the_cache(place):
    async with flow(place.stack) as running:
        place.disks["cache"].fill()
        await until(
            lambda: is_positive(
                place.metric("status-service", 'cache_requests_total{cache="status",result="error"}')
            )
        )
        await running.accept_more(20)
        place.disks["cache"].free()
    assert running.refused == []


async def test_the_bank(place, database):
    async with flow(place.stack) as running:
        place.disks["bank"].fill()
        await until(lambda: place.has_logged("bank-sandbox-1", "bank.ledger_failed"))
        await running.accept_more(20)
        assert await count(database, UNPAID) > 0
        place.disks["bank"].free()
    assert running.refused == []


async def test_the_database(place):
    """Promise 19. Also when there is no room for write-ahead log, which ends the whole server."""
    async with flow(place.stack) as running:
        place.disks["database"].fill()
        # first: what earlier work has left free inside of tables takes rows for minutes on a full disk
        await until(lambda: write_ahead_log_is_exhausted(place))
        await until(lambda: len(running.refused) > 5)
        place.disks["database"].free()
        await running.accept_more(20)
    assert {answer.status_code for answer in running.refused} == {503}
    assert all("retry-after" in answer.headers for answer in running.refused)


def write_ahead_log_is_exhausted(place: Place) -> bool:
    """Writes it until the server has given itself up, and says whether it has."""
    with contextlib.suppress(CommandFailed):
        place.stack.postgres.run_sql(FILL_THE_LOG)
    return place.has_logged("postgres", "PANIC")


async def is_positive(figure: Awaitable[float]) -> bool:
    return await figure > 0
