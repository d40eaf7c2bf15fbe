"""Figures 1 to 3: what one process of the API and of the status service can take, and latency at constant rates."""

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from load.cache_limit import CacheLimit, measured_by
from load.connection import Peer
from load.figures import Figure, against_aim, beside_limit, median_latency_ms
from load.generator import Plan, generate
from load.machine import CoresUsed
from load.people import without_token
from load.pgbench import SubmitScript
from load.site import Site

ACCEPTED, OK, UNAUTHENTICATED = 202, 200, 401
CLIENTS = 16
"""Connections of the generator, and clients of pgbench and of the cache's benchmark."""
READ_APPLICATIONS = 200
POST_AIM_RATIO = 0.5
POST_RATE, POST_AIM_MS = 200.0, {"p50": 4.0, "p95": 12.0, "p99": 30.0}
GET_RATE, GET_AIM_MS = 1000.0, {"p50": 1.5, "p95": 4.0, "p99": 10.0}


@dataclass(frozen=True)
class Effort:
    """How long to measure. `rounds` of figure and limit in turns; the report gives their medians and range."""

    rounds: int
    seconds: float
    rate_rounds: int
    rate_seconds: float

    @classmethod
    def chosen(cls, *, quick: bool) -> "Effort":
        return cls(1, 2.0, 1, 3.0) if quick else cls(5, 3.0, 3, 5.0)


def submit_some(site: Site) -> None:
    """A second of submissions, so that there are applications to look at."""
    peer, requests = site.direct("application-api"), site.applicants.submissions()
    generate(Plan(peer, requests, CLIENTS, 1.0, ACCEPTED, warm_up_s=1.0))


def post_saturation(site: Site, effort: Effort) -> Figure:
    """Needs a stack without a router: a submission must still be in the outbox to be read back for pgbench."""
    plan = Plan(
        site.direct("application-api"), site.applicants.submissions(), CLIENTS, effort.seconds, ACCEPTED
    )
    submit_some(site)
    limit = SubmitScript(site)
    ours: list[float] = []
    theirs: list[float] = []
    reports = []
    cores = {}
    for _ in range(effort.rounds):
        watch = CoresUsed(site.pids("application-api-1", "postgres"))
        reports.append(generate(plan))
        cores = watch.read() | {"generator": reports[-1]["cpu_cores"]}
        ours.append(reports[-1]["per_second"])
        theirs.append(limit.run(CLIENTS, effort.seconds))
    return beside_limit(ours, theirs, at_least=POST_AIM_RATIO) | {
        "unit": "submissions/s of one process, without the gateway",
        "limit_is": f"pgbench -M prepared -c {CLIENTS} with the same statement and parameters",
        "clients": CLIENTS,
        "cores_used": cores,
        "ms": median_latency_ms([report["latency_ms"] for report in reports]),
        "failed": sum(sum(report["failed"].values()) for report in reports),
    }


def get_saturation(site: Site, effort: Effort) -> Figure:
    reads = site.applicants.status_reads(_submitted(site))
    peer = site.direct("status-service")
    cache = urlsplit(site.stack.valkey.url)
    limit = CacheLimit(Peer(str(cache.hostname), int(cache.port or 0)), value_bytes=240)
    ours: list[float] = []
    theirs: list[float] = []
    reports = []
    cores = {}
    for _ in range(effort.rounds):
        _fill_cache(peer, reads)
        watch = CoresUsed(site.pids("status-service-1", "valkey"))
        reports.append(generate(Plan(peer, reads, CLIENTS, effort.seconds, OK)))
        cores = watch.read() | {"generator": reports[-1]["cpu_cores"]}
        ours.append(reports[-1]["per_second"])
        theirs.append(limit.gets_per_second(CLIENTS, effort.seconds))
    return beside_limit(ours, theirs, at_least=None) | {
        "unit": "cached reads/s of one process, without the gateway",
        "limit_is": f"GET of a value as large, {CLIENTS} clients, by {measured_by()}",
        "clients": CLIENTS,
        "cores_used": cores,
        "ms": median_latency_ms([report["latency_ms"] for report in reports]),
        "failed": sum(sum(report["failed"].values()) for report in reports),
    }


def post_at_rate(site: Site, effort: Effort) -> Figure:
    return _at_rate(site, effort, site.applicants.submissions(), ACCEPTED, POST_RATE, POST_AIM_MS)


def get_at_rate(site: Site, effort: Effort) -> Figure:
    reads = site.applicants.status_reads(_submitted(site))
    _fill_cache(site.gateway, reads)
    return _at_rate(site, effort, reads, OK, GET_RATE, GET_AIM_MS)


def _at_rate(
    site: Site, effort: Effort, requests: list[str], expected: int, rate: float, aim_ms: dict[str, float]
) -> Figure:
    """Beside the gateway's own cheapest answer, asked for by the same driver at the same rate."""
    plan = Plan(site.gateway, requests, 32, effort.rate_seconds, expected, rate=rate)
    nothing = Plan(site.gateway, without_token(), 32, effort.rate_seconds, UNAUTHENTICATED, rate=rate)
    ours, limits, cores = [], [], {}
    for _ in range(effort.rate_rounds):
        watch = CoresUsed(site.pids("gateway", "application-api-1", "status-service-1", "postgres"))
        ours.append(generate(plan))
        cores = watch.read() | {"generator": ours[-1]["cpu_cores"]}
        limits.append(generate(nothing))
    return against_aim(median_latency_ms([one["latency_ms"] for one in ours]), aim_ms) | {
        "limit_ms": median_latency_ms([one["latency_ms"] for one in limits]),
        "limit_is": "the gateway's own 401 at the same rate: what driver, TLS and gateway cost",
        "rate_per_s": rate,
        "answered_per_s": [one["per_second"] for one in ours],
        "cores_used": cores,
        "most_waiting": max(one["most_waiting"] for one in ours),
        "failed": sum(sum(one["failed"].values()) for one in ours),
    }


def _submitted(site: Site) -> list[tuple[str, str]]:
    """(application id, subject) of applications that this run has submitted."""
    rows = site.sql(
        "select application_id, user_id from applications "  # noqa: S608 - our own run's name
        f"where user_id like 'bench-{site.run}-%' order by application_id limit {READ_APPLICATIONS};"
    )
    return [(row.split("|")[0], row.split("|")[1]) for row in rows.splitlines()]


def _fill_cache(peer: Peer, reads: list[str]) -> None:
    """Each application is read once, so that what is measured finds it in the cache."""
    generate(Plan(peer, reads, 4, 0.5, OK))
    time.sleep(0.1)
