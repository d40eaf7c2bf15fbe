"""Promise 5 as a figure: the API's latency while the model service stands still, beside that with a well one."""

import os
import signal
import statistics
from collections.abc import Iterator
from contextlib import contextmanager

from load import front
from load.drain import running_worker
from load.figures import Figure, median_latency_ms
from load.generator import Plan, generate
from load.router import running_router
from load.site import Site

RATE = 25.0
"""Submissions a second: what one worker can also score, so that both sides have the same work behind them."""
RATIO_AIM = 1.2


def slow_model_figure(site: Site, *, quick: bool) -> Figure:
    """Needs a stack with an API and the model service, without a router and without workers."""
    seconds, rounds = (4.0, 1) if quick else (8.0, 5)
    site.sql("truncate outbox;")
    well, hanging = [], []
    with running_router(site, "bench-slow."), running_worker(site, "bench-slow.", 1):
        _submit(site, 3.0)  # connections, assignments
        for _ in range(rounds):
            well.append(_submit(site, seconds))
            with _standing_still(site):
                hanging.append(_submit(site, seconds))
    ratio = statistics.median(
        slow["latency_ms"]["p95"] / good["latency_ms"]["p95"]
        for good, slow in zip(well, hanging, strict=True)
    )
    return {
        "ms": median_latency_ms([one["latency_ms"] for one in hanging]),
        "limit_ms": median_latency_ms([one["latency_ms"] for one in well]),
        "limit_is": "the same with a model service that answers",
        "unit": f"ms of a submission at {RATE:.0f}/s while the model service accepts connections and never answers",
        "ratio_of_p95": round(ratio, 2),
        "aim": {"ratio_of_p95": RATIO_AIM},
        "meets_aim": ratio <= RATIO_AIM,
        "failed": sum(sum(one["failed"].values()) for one in (*well, *hanging)),
    }


def _submit(site: Site, seconds: float) -> Figure:
    peer, requests = site.direct("application-api"), site.applicants.submissions()
    return generate(Plan(peer, requests, 8, seconds, front.ACCEPTED, rate=RATE))


@contextmanager
def _standing_still(site: Site) -> Iterator[None]:
    pid = site.pids("model-service-1")["model-service-1"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
