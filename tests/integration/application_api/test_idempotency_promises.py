"""Promises 1, 2 and 12: one key, one answer; every write, refusals included, also when a process dies half-way.

The release of a payment, the third write about money, is in `payment_release`.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest

from fundline.platform.database import Database
from support.applications import application
from support.bank import until_ready
from support.delivering import answered
from support.ports import free_port
from support.proxy import Proxy, proxy_before
from support.referrals import refer

pytestmark = pytest.mark.integration
WRITES = {
    "submit": ("/v1/applications", "alice", "applicant", application(), 202),
    "decide": ("decision", "uma", "underwriter", {"decision": "approve", "reason": "Papers seen"}, 200),
    "reassess": ("assessments", "uma", "underwriter", {"reason": "The model was away"}, 202),
}
CHANGED = {
    "submit": application(amount="60000.00"),
    "decide": {"decision": "reject", "principalReasons": ["papers_missing"], "reason": "Papers seen"},
    "reassess": {"reason": "Another reason"},
}
SAME_ROLE = {"alice": "bob", "uma": "ulf"}


async def referral(client, headers, database: Database) -> str:
    made = (await client.post("/v1/applications", json=application(), headers=headers())).json()
    await refer(database, made["id"])
    return made["id"]


async def events_of(database: Database, application_id: str) -> list[str]:
    rows = await database.fetch(
        "select topic from outbox where key = $1 order by position", uuid.UUID(application_id)
    )
    return [row["topic"] for row in rows]


@pytest.fixture
def place_of(client, headers, database):
    """The path of a write; of those about a referral, with a referral of its own."""

    async def place(write: str) -> str:
        path = WRITES[write][0]
        if path.startswith("/"):
            return path
        return f"/v1/applications/{await referral(client, headers, database)}/{path}"

    return place


async def fifty_times(client, path, body, headers):
    """At once, with one key."""
    return await asyncio.gather(
        *(answered(lambda: client.post(path, json=body, headers=headers)) for _ in range(50))
    )


@pytest.mark.parametrize("write", WRITES)
async def test_promise_1_fifty_parallel_posts_with_one_key_get_one_status_and_one_body(
    client, headers, database, place_of, write
):
    path, (_, subject, role, body, status) = await place_of(write), WRITES[write]
    before = await database.fetchrow("select count(*) as n from outbox")
    shared = headers(subject, role, key="one-key")
    answers = await fifty_times(client, path, body, shared)
    assert {answer.status_code for answer in answers} == {status}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    after = await database.fetchrow("select count(*) as n from outbox")
    assert after["n"] - before["n"] == {"submit": 3, "decide": 2, "reassess": 2}[write]


@pytest.mark.parametrize("write", WRITES)
async def test_promise_1_a_refusal_of_the_request_is_the_same_fifty_times_and_leaves_the_key_free(
    client, headers, place_of, write
):
    path, (_, subject, role, body, status) = await place_of(write), WRITES[write]
    shared = headers(subject, role, key="one-key")
    answers = await fifty_times(client, path, {"nonsense": 1}, shared)
    assert {answer.status_code for answer in answers} == {422}
    assert len({answer.content for answer in answers}) == 1
    assert (await client.post(path, json=body, headers=shared)).status_code == status


@pytest.mark.parametrize("write", ["decide", "reassess"])
async def test_promise_1_a_refusal_that_rests_on_how_things_stand_is_kept(client, headers, place_of, write):
    path, subject, role, body, _ = WRITES[write]
    decision = await place_of("decide")
    decided = CHANGED["decide"]
    assert (await client.post(decision, json=decided, headers=headers(subject, role))).status_code == 200
    path = decision.removesuffix("decision") + path
    answers = await fifty_times(client, path, body, headers(subject, role, key="one-key"))
    assert {answer.status_code for answer in answers} == {409}
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
    assert answers[-1].headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("write", ["decide", "reassess"])
async def test_a_refusal_that_is_true_for_a_moment_leaves_the_key_free(client, headers, database, write):
    made = (await client.post("/v1/applications", json=application(), headers=headers())).json()
    path, subject, role, body, status = WRITES[write]
    path = f"/v1/applications/{made['id']}/{path}"
    shared = headers(subject, role, key="one-key")
    early = await fifty_times(client, path, body, shared)
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in early} == {(409, "1")}
    await refer(database, made["id"])
    assert (await client.post(path, json=body, headers=shared)).status_code == status


@pytest.mark.parametrize("write", WRITES)
async def test_promise_2_another_body_422_in_flight_409_no_key_400_and_keys_are_per_caller(
    client, headers, database, place_of, write
):
    path, (_, subject, role, body, status) = await place_of(write), WRITES[write]
    missing = await client.post(path, json=body, headers=headers(subject, role, key=""))
    assert (missing.status_code, missing.json()["type"]) == (
        400,
        "urn:fundline:problem:idempotency-key-missing",
    )
    async with database.transaction() as connection:  # the barrier: a first request that has not finished
        await connection.execute(
            "insert into idempotency_keys (caller, key, request_hash, response_status, response_body)"
            " values ($1, 'one-key', '\\x00', 202, '{}')",
            subject,
        )
        in_flight = await client.post(path, json=body, headers=headers(subject, role, key="one-key"))
        assert in_flight.status_code == 409
        assert in_flight.headers["retry-after"] == "1"
        await connection.execute("delete from idempotency_keys where key = 'one-key'")
    first = await client.post(path, json=body, headers=headers(subject, role, key="one-key"))
    assert first.status_code == status
    other = await client.post(path, json=CHANGED[write], headers=headers(subject, role, key="one-key"))
    assert (other.status_code, other.json()["type"]) == (422, "urn:fundline:problem:idempotency-key-reused")
    colleague = await client.post(path, json=body, headers=headers(SAME_ROLE[subject], role, key="one-key"))
    assert "idempotent-replayed" not in colleague.headers
    assert colleague.content != first.content


class ApiProcess:
    """The Application API as it runs in the fleet, on a database behind a proxy."""

    def __init__(self, engines, database_url: str, folder) -> None:
        self._environment = {
            **os.environ,
            "FUNDLINE_DATABASE_URL": database_url,
            "FUNDLINE_JWKS_FILE": str(engines.stack.keys.jwks),
            "FUNDLINE_ACCOUNT_KEY_FILE": str(engines.stack.keys.account_key),
        }
        self._log_file = folder / "api.log"
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fundline.services.application_api.main"],
                env=self._environment | {"FUNDLINE_HTTP_PORT": str(port)},
                stdout=log,
                stderr=log,
            )
        await until_ready(self.url)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(30)
            self._process = None


def through(url: str, proxy: Proxy) -> str:
    """The same database, by way of the proxy."""
    parts = urlsplit(url)
    place = f"{parts.username}:{parts.password}@127.0.0.1:{proxy.listens_on}"
    return urlunsplit(parts._replace(netloc=place))


@pytest.fixture
async def proxy(database_url):
    parts = urlsplit(database_url)
    async with proxy_before(parts.hostname, parts.port) as made:
        yield made


@pytest.fixture
async def api_process(engines, database_url, proxy, tmp_path):
    process = ApiProcess(engines, through(database_url, proxy), tmp_path)
    await process.start()
    yield process
    process.kill()


async def settled_answer(url: str, path: str, body: dict, headers: dict[str, str]) -> httpx.Response:
    """As a client does it: the same request again until there is an answer to keep."""
    async with asyncio.timeout(60), httpx.AsyncClient(base_url=url, timeout=10) as client:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.post(path, json=body, headers=headers)
                if answer.status_code not in {409, 503}:
                    return answer
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("step", ["before the statement arrives", "after the commit"])
async def test_promise_1_a_submission_repeated_after_kill_9_is_stored_once_and_has_one_answer(
    api_process, proxy, database, headers, step
):
    body, shared = application(), headers(key=f"killed-{uuid.uuid4()}")
    key = shared["idempotency-key"].encode()
    if step == "after the commit":
        proxy.lose_reply_to(key, hold=True)
    else:
        proxy.lose_request(key, hold=True)
    async with httpx.AsyncClient(base_url=api_process.url, timeout=20) as client:
        asked = asyncio.create_task(client.post("/v1/applications", json=body, headers=shared))
        async with asyncio.timeout(30):
            await proxy.lost.wait()
        api_process.kill()
        with pytest.raises(httpx.HTTPError):
            await asked
    proxy.pass_everything()
    await api_process.start()
    answers = [await settled_answer(api_process.url, "/v1/applications", body, shared) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {202}
    assert answers[0].content == answers[1].content
    stored = await database.fetch("select application_id from applications")
    assert [str(row["application_id"]) for row in stored] == [answers[0].json()["id"]]
    assert len(await events_of(database, answers[0].json()["id"])) == 3


async def test_promise_12_a_lost_commit_reply_is_resolved_by_its_key(api_process, proxy, database, headers):
    body, shared = application(), headers(key=f"lost-{uuid.uuid4()}")
    proxy.lose_reply_to(shared["idempotency-key"].encode())
    async with httpx.AsyncClient(base_url=api_process.url, timeout=20) as client:
        first = await client.post("/v1/applications", json=body, headers=shared)
        assert proxy.lost.is_set()
        assert (first.status_code, first.json()["type"]) == (
            503,
            "urn:fundline:problem:database-unavailable",
        )
        proxy.pass_everything()
        second = await settled_answer(api_process.url, "/v1/applications", body, shared)
    assert second.status_code == 202
    assert second.headers["idempotent-replayed"] == "true"
    stored = await database.fetch("select application_id from applications")
    assert [str(row["application_id"]) for row in stored] == [second.json()["id"]]


async def test_promises_1_and_12_a_decision_cut_off_at_every_statement_and_at_its_commit_is_made_once(
    api_process, proxy, client, headers, database
):
    """The connection to the database dies with each request of the transaction in turn, as with the process's death."""
    body, path = {"decision": "approve", "reason": "Papers seen"}, "/v1/applications/{}/decision"
    cut = True
    for requests in range(40):
        application_id = await referral(client, headers, database)
        shared = headers("uma", "underwriter", key=f"cut-{requests}")
        proxy.cut_after(requests)
        async with httpx.AsyncClient(base_url=api_process.url, timeout=20) as caller:
            await caller.post(path.format(application_id), json=body, headers=shared)
        cut = proxy.lost.is_set()
        proxy.pass_everything()
        answer = await settled_answer(api_process.url, path.format(application_id), body, shared)
        assert (answer.status_code, answer.json()["status"]) == (200, "approved")
        assert (await events_of(database, application_id))[3:] == ["status.updated", "disbursement.requested"]
        if not cut:
            break
    assert not cut, "every request of the transaction was cut off once"

    application_id = await referral(client, headers, database)
    shared = headers("uma", "underwriter", key="commit")
    proxy.lose_reply_to(b"COMMIT")
    async with httpx.AsyncClient(base_url=api_process.url, timeout=20) as caller:
        first = await caller.post(path.format(application_id), json=body, headers=shared)
    assert (first.status_code, proxy.lost.is_set()) == (503, True)
    proxy.pass_everything()
    answer = await settled_answer(api_process.url, path.format(application_id), body, shared)
    assert (answer.status_code, answer.headers["idempotent-replayed"]) == (200, "true")
    assert json.loads(answer.content)["status"] == "approved"
    assert (await events_of(database, application_id))[3:] == ["status.updated", "disbursement.requested"]
