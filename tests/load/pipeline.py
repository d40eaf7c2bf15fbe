"""Figures 4 and 6 on the whole fleet: from submission to payout, and from a status change to the client's eyes."""

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson
import uvloop

from fundline.demo.client import FundlineClient, trust
from fundline.stack.keys import StackKeys
from load.figures import Figure, against_aim, latency_ms
from load.front import ACCEPTED, POST_RATE
from load.generator import Plan, generate
from load.machine import CoresUsed
from load.site import Site
from support.applications import application_of_its_own

PAID_AIM_MS, STREAM_AIM_MS = {"p50": 250.0}, {"p95": 100.0}
DECIDED = frozenset({"approved", "rejected", "pending_review"})
SETTLED = frozenset({"rejected", "pending_review", "disbursed", "failed"})
BUSY_RATE = 20.0
_ONE_S, _BACKLOG_S = 30.0, 90.0
_UNFINISHED = """
select count(*) from applications
where user_id like 'bench-{run}-%' and status in ('processing', 'risk_scoring', 'approved')
  and created_at > '{since}'::timestamptz;
"""


@dataclass(slots=True)
class Seen:
    """One application as its applicant saw it. Seconds from the moment the request was sent."""

    accepted_s: float = 0.0
    decided_s: float | None = None
    paid_s: float | None = None
    change_delays_s: list[float] = field(default_factory=list)
    """From `updatedAt` to the receipt, for changes that came while the stream was open."""


class Applying:
    """Applications that the policy approves, submitted and followed through the gateway."""

    def __init__(self, site: Site, tls: ssl.SSLContext) -> None:
        self._client = FundlineClient(f"https://localhost:{site.stack.ports.gateway}", tls=tls)
        self._tokens = list(site.applicants.tokens.values())
        self._run = site.run
        self._number = 0

    async def one(self) -> Seen:
        self._number += 1
        token = self._tokens[self._number % len(self._tokens)]
        body = application_of_its_own(**{"business.legalName": f"Bench {self._run} {self._number} LLC"})
        seen, sent_at = Seen(), time.perf_counter()
        async with asyncio.timeout(_ONE_S):
            application_id = await self._client.submit(body, token, f"{self._run}-{self._number}")
            seen.accepted_s = time.perf_counter() - sent_at
            async with self._client.status_stream(application_id, token) as events:
                opened_at = time.time()
                async for event in events:
                    now_s, received_at = time.perf_counter() - sent_at, time.time()
                    told = orjson.loads(event.data)
                    changed_at = datetime.fromisoformat(told["updatedAt"]).timestamp()
                    if changed_at > opened_at:
                        seen.change_delays_s.append(received_at - changed_at)
                    if told["status"] in DECIDED:
                        seen.decided_s = now_s
                    if told["status"] == "disbursed":
                        seen.paid_s = now_s
                    if told["status"] in SETTLED:
                        break
        return seen

    async def one_after_another(self, count: int) -> list[Seen]:
        return [await self.one() for _ in range(count)]

    async def at_rate(self, rate: float, seconds: float) -> list[Seen]:
        tasks = []
        begin = time.monotonic()
        for number in range(round(rate * seconds)):
            await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
            tasks.append(asyncio.create_task(self.one()))
        return await asyncio.gather(*tasks)

    async def close(self) -> None:
        await self._client.close()


def pipeline_figures(site: Site, *, quick: bool) -> dict[str, Figure]:
    """Needs the whole fleet and nothing else going on in it."""
    authority: Path = StackKeys(site.stack.home).authority_certificate
    alone, busy = uvloop.run(_journeys(site, trust(authority), quick=quick))
    return {
        "paid_when_idle": _paid(alone),
        "status_seen_on_a_stream": _stream(alone, busy),
        "whole_fleet_at_200_per_s": _post_with_pipeline(site, 3.0 if quick else 5.0),
    }


async def _journeys(site: Site, tls: ssl.SSLContext, *, quick: bool) -> tuple[list[Seen], list[Seen]]:
    applying = Applying(site, tls)
    try:
        await applying.one_after_another(5)  # connections, prepared statements, consumer assignments
        alone = await applying.one_after_another(20 if quick else 100)
        busy = await applying.at_rate(BUSY_RATE, 3.0 if quick else 12.0)
    finally:
        await applying.close()
    return alone, busy


def _paid(journeys: list[Seen]) -> Figure:
    paid = latency_ms(seen.paid_s for seen in journeys if seen.paid_s is not None)
    return against_aim(paid, PAID_AIM_MS) | {
        "accepted_ms": latency_ms(seen.accepted_s for seen in journeys),
        "decided_ms": latency_ms(seen.decided_s for seen in journeys if seen.decided_s is not None),
        "limit_is": "the bank alone takes 50 ms",
        "applications": len(journeys),
        "not_paid": sum(seen.paid_s is None for seen in journeys),
        "unit": "ms from sending the request to the event on the stream, one application after another",
    }


def _stream(alone: list[Seen], busy: list[Seen]) -> Figure:
    idle = latency_ms(delay for seen in alone for delay in seen.change_delays_s)
    return against_aim(idle, STREAM_AIM_MS) | {
        "changes": sum(len(seen.change_delays_s) for seen in alone),
        "unit": "ms from the change's own time, set just before its commit, to the client behind the gateway",
        f"at_{BUSY_RATE:.0f}_applications_per_s": {
            "ms": latency_ms(delay for seen in busy for delay in seen.change_delays_s),
            "paid_ms": latency_ms(seen.paid_s for seen in busy if seen.paid_s is not None),
        },
    }


def _post_with_pipeline(site: Site, seconds: float) -> Figure:
    """The same submissions as without workers, which then compete for the same cores; and how long they take."""
    since = site.sql("select now();").strip()
    plan = Plan(site.gateway, site.applicants.submissions(), 32, seconds, ACCEPTED, rate=POST_RATE)
    watch = CoresUsed(site.pids("gateway", "postgres", "kafka"))
    report = generate(plan)
    cores = watch.read() | {"generator": report["cpu_cores"]}
    begin = time.monotonic()
    left = _unfinished(site, since)
    while left and time.monotonic() - begin < _BACKLOG_S:
        time.sleep(0.25)
        left = _unfinished(site, since)
    cleared_s = seconds + time.monotonic() - begin
    return {
        "ms": report["latency_ms"],
        "limit_is": "post_at_200_per_s: the same without the workers, which here compete for the same cores",
        "rate_per_s": POST_RATE,
        "answered_per_s": report["per_second"],
        "applications_per_s_through_the_pipeline": round((report["answers"] - left) / cleared_s, 1),
        "unfinished": left,
        "cores_used": cores,
        "failed": sum(report["failed"].values()),
    }


def _unfinished(site: Site, since: str) -> int:
    return int(site.sql(_UNFINISHED.format(run=site.run, since=since)))
