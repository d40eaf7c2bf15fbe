"""Every process of Fundline on a machine whose clock is an hour off, in both directions: promise 20.

The incident: a payments worker an hour slow refused all 130 webhooks of the bank and wrote histories in which
`disbursed` stood before `approved`; an API instance an hour slow refused every fresh token. Both said they were ready.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from support.applications import application_of_its_own
from support.clients import SETTLED
from support.engines import Engines
from support.ports import free_port
from support.service_process import ServiceProcess
from support.wrong_clock import wrong_clock

pytestmark = pytest.mark.integration
APPLICATIONS = 8
OUTSIDE = {"bank": "outside.bank_sandbox.main", "models": "services.model_service.main"}
OURS = {
    "api": "services.application_api.main",
    "application-events": "services.application_api.events_main",
    "risk-worker": "services.risk_worker.main",
    "risk-worker-express": "services.risk_worker.express_main",
    "payments": "services.disbursement_worker.main",
    "event-router": "services.event_router.main",
    "status": "services.status_api.main",
    "notifications": "services.notification_service.main",
    "dead-letter-keeper": "services.dead_letter_keeper.main",
    "operations-api": "services.operations_api.main",
    "reconciler": "services.reconciler.main",
}
BACKWARDS = """
select a.application_id, a.status, a.occurred_at, b.status, b.occurred_at
from application_status_history a
join application_status_history b on b.application_id = a.application_id and b.sequence = a.sequence + 1
where b.occurred_at < a.occurred_at
"""
FAR_AWAY = """
select status, occurred_at from application_status_history
where occurred_at not between clock_timestamp() - interval '10 minutes' and clock_timestamp()
"""


@dataclass(frozen=True)
class Platform:
    engines: Engines
    processes: dict[str, ServiceProcess]

    def headers(self, *, ttl_s: int = 3600) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self.engines.stack.token('alice', 'partner', ttl_s)}",
            "idempotency-key": str(uuid.uuid4()),
        }


@pytest.fixture(params=[3600, -3600], ids=["an hour fast", "an hour slow"])
def ahead_s(request) -> int:
    return int(request.param)


@pytest.fixture
async def platform(engines, database_url, topic_prefix, tmp_path, ahead_s) -> AsyncIterator[Platform]:
    """Its bank and its models have the right time: they are somebody else's."""
    ports = {name: free_port() for name in (*OUTSIDE, *OURS)}
    environment = {
        **engines.stack.settings,
        "FUNDLINE_DATABASE_URL": database_url,
        "FUNDLINE_TOPIC_PREFIX": topic_prefix,
        "FUNDLINE_AUDIT_ANCHOR_FILE": str(tmp_path / "anchors" / "anchors.jsonl"),
        "FUNDLINE_BANK_DATABASE": str(tmp_path / "bank.sqlite"),
        "FUNDLINE_BANK_URL": f"http://127.0.0.1:{ports['bank']}",
        "FUNDLINE_BANK_WEBHOOK_URL": f"http://127.0.0.1:{ports['payments']}/bank/events",
        "FUNDLINE_BANK_SETTLEMENT_DELAY_MS": "200",
        "FUNDLINE_MODEL_URL": f"http://127.0.0.1:{ports['models']}",
        "FUNDLINE_RECONCILER_EVERY_S": "1",
    }

    def started(name: str, module: str, more: dict[str, str], folder: Path) -> ServiceProcess:
        return ServiceProcess(module, name, {**environment, **more}, folder, port=ports[name])

    processes = {name: started(name, module, {}, tmp_path) for name, module in OUTSIDE.items()}
    try:
        wrong = wrong_clock(ahead_s, tmp_path)
        processes |= {name: started(name, module, wrong, tmp_path) for name, module in OURS.items()}
        async with asyncio.timeout(120):
            for name in OURS:
                await until_it_runs(processes[name])
        yield Platform(engines, processes)
    finally:
        for process in processes.values():
            process.kill()


async def until_it_runs(process: ServiceProcess) -> None:
    """Ready in everything but the clock."""
    while True:
        parts = await process.health()
        if parts and all(parts[name] for name in parts if name != "clock"):
            return
        assert process.runs(), process.log_file.read_text()[-4000:]
        await asyncio.sleep(0.2)


async def statuses(platform: Platform, ids: list[str]) -> list[str]:
    url = platform.processes["status"].url
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=10) as client:
        answers = [await client.get(f"/v1/status/{one}", headers=platform.headers()) for one in ids]
    assert {answer.status_code for answer in answers} <= {200}, answers[0].text
    return [answer.json()["status"] for answer in answers]


async def test_a_wrong_clock_harms_nobody_and_its_instance_says_that_it_is_wrong(platform, database, ahead_s):
    processes = platform.processes
    for name in OURS:
        assert (await processes[name].health())["clock"] is False, name
        assert abs(await processes[name].metric("fundline_clock_offset_seconds") - ahead_s) < 60, name
        assert processes[name].log("clock.wrong") != [], name

    async with httpx.AsyncClient(base_url=processes["api"].url, trust_env=False, timeout=10) as client:
        made = []
        for _ in range(APPLICATIONS):
            answer = await client.post(
                "/v1/applications", json=application_of_its_own(), headers=platform.headers()
            )
            assert answer.status_code == 202, answer.text
            made.append(answer.json()["id"])
        late = await client.post(
            "/v1/applications", json=application_of_its_own(), headers=platform.headers(ttl_s=-120)
        )
        assert late.status_code == 401

    async with asyncio.timeout(90):
        while not set(now := await statuses(platform, made)) <= SETTLED:
            await asyncio.sleep(0.2)
    assert now == ["disbursed"] * APPLICATIONS
    runs = await processes["reconciler"].metric("fundline_reconciler_last_run_timestamp_seconds")
    async with asyncio.timeout(30):
        while await processes["reconciler"].metric("fundline_reconciler_last_run_timestamp_seconds") == runs:
            await asyncio.sleep(0.2)

    assert await database.fetch(BACKWARDS) == []
    assert await database.fetch(FAR_AWAY) == []
    assert await database.fetch("select kind, subject, summary from cases") == []
    assert await database.fetch("select topic, consumer_group, cause from dead_letters") == []
    refused = await processes["payments"].metric("fundline_bank_events_total", result="refused")
    told = await processes["payments"].metric("fundline_bank_events_total", result="recorded")
    assert (refused, told > 0) == (0, True)
    (paid,) = await database.fetch(
        "select count(*) as payments, count(distinct application_id) as applications from disbursements"
    )
    assert tuple(paid) == (APPLICATIONS, APPLICATIONS)
    async with httpx.AsyncClient(base_url=processes["bank"].url, trust_env=False) as client:
        assert (await client.get("/admin/counts")).json()["settled"] == APPLICATIONS
