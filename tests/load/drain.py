"""How fast a full queue of scoring requests is emptied, by one worker process and by two.

The rate of two processes is that of the machine when others use its cores too. So the report also says what each
core-second of the workers brought: where that does not fall, two free cores give twice the rate.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from fundline.stack.fleet import FLEET
from load import front
from load.figures import Figure
from load.generator import Plan, generate
from load.machine import CoresUsed
from load.router import running_router
from load.site import Site

WORKER = "risk-worker"
SPEED_UP_AIM = 1.8
_STEADY = (0.1, 0.9)
"""The share of applications between which the rate is taken: without starts, assignments and the last few."""
_DRAIN_S, _FILL_S = 600.0, 120.0
_PER_ROUND = 600


def drain_figures(site: Site, *, quick: bool) -> Figure:
    """Needs a stack with an API and the model service, without a router and without workers."""
    count = _PER_ROUND // 2 if quick else _PER_ROUND
    rates: dict[int, list[float]] = {1: [], 2: []}
    per_core: dict[int, list[float]] = {1: [], 2: []}
    cores: dict[int, dict[str, float]] = {}
    for number in range(1 if quick else 3):
        for workers in (1, 2):
            rate, used = _round(site, f"bench-risk-{number}-{workers}.", workers, count)
            rates[workers].append(rate)
            per_core[workers].append(rate / sum(used[name] for name in used if name.startswith(WORKER)))
            cores[workers] = used
    speed_up = _median_ratio(rates)
    return {
        "one_worker_per_s": [round(rate, 1) for rate in rates[1]],
        "two_workers_per_s": [round(rate, 1) for rate in rates[2]],
        "unit": "applications/s from a full topic to recorded decisions, one lane, with the model service beside",
        "speed_up": round(speed_up, 2),
        "aim": {"speed_up": SPEED_UP_AIM},
        "meets_aim": speed_up >= SPEED_UP_AIM,
        "per_core_of_the_workers": {
            "one_worker_per_s": [round(rate, 1) for rate in per_core[1]],
            "two_workers_per_s": [round(rate, 1) for rate in per_core[2]],
            "speed_up_with_a_core_each": round(2 * _median_ratio(per_core), 2),
        },
        "applications": count,
        "cores_used": {f"{workers} workers": used for workers, used in cores.items()},
    }


def _median_ratio(rates: dict[int, list[float]]) -> float:
    """Two workers to one, per pair of neighbours."""
    return statistics.median(two / one for one, two in zip(rates[1], rates[2], strict=True))


def _round(site: Site, prefix: str, workers: int, count: int) -> tuple[float, dict[str, float]]:
    """All requests are in Kafka before the first worker starts."""
    site.sql("truncate outbox; truncate inbox; truncate risk_assessments; delete from scoring_lanes;")
    plan = Plan(
        site.direct("application-api"),
        site.applicants.submissions(),
        front.CLIENTS,
        count / 200,
        front.ACCEPTED,
        200,
    )
    generate(plan)
    waiting = int(site.sql("select count(*) from outbox where topic = 'risk.scoring.requested';"))
    with running_router(site, prefix):
        _wait(site, "select count(*) from outbox;", lambda left: left == 0, _FILL_S)
    with ExitStack() as processes:
        pids = {
            f"{WORKER}-{number}": processes.enter_context(running_worker(site, prefix, number))
            for number in range(1, workers + 1)
        }
        done = "select count(*) from risk_assessments;"
        first = _wait(site, done, lambda n: n >= waiting * _STEADY[0], _DRAIN_S)
        watch = CoresUsed(pids | site.pids("postgres", "kafka", "model-service-1"))
        last = _wait(site, done, lambda n: n >= waiting * _STEADY[1], _DRAIN_S)
        return (last[1] - first[1]) / (last[0] - first[0]), watch.read()


def _wait(site: Site, sql: str, is_reached: Callable[[int], bool], within_s: float) -> tuple[float, int]:
    """When the count was reached, and what it was."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        count = int(site.sql(sql))
        if is_reached(count):
            return time.monotonic(), count
        time.sleep(0.1)
    raise RuntimeError(f"{sql} stood at {count} after {within_s:.0f} s")


@contextmanager
def running_worker(site: Site, prefix: str, number: int) -> Iterator[int]:
    """A risk worker of the standard lane; yields its pid."""
    process = next(one for one in FLEET if one.name == WORKER)
    environment = (
        os.environ | site.stack.settings | {"FUNDLINE_TOPIC_PREFIX": prefix, "FUNDLINE_PROCESS": WORKER}
    )
    environment |= {
        "FUNDLINE_INSTANCE": f"{WORKER}-bench-{number}",
        "FUNDLINE_HTTP_PORT": str(site.stack.ports.of_process(WORKER, number)),
    }
    with site.stack.home.log_file(f"{WORKER}-bench-{number}").open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", f"fundline.{process.module}"],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        yield running.pid
    finally:
        running.terminate()
        running.wait(30)
