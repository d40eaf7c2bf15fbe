"""The load generator: a process of its own. Reads one plan from standard input, prints what came back.

`python -m load.generator < plan.json`. The parent's side is `generate`.
"""

import gc
import json
import os
import secrets
import subprocess
import sys
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvloop

from load.connection import Peer
from load.drivers import Tally, closed_loop, open_loop
from load.figures import latency_ms

FRESH_KEY = "{{fresh-key--------fresh-key--------}}"
"""In a prepared request: replaced by a new random UUID each time the request is sent. Same length, so that
nothing else of the request changes."""
FRESH_NUMBER = "{{a-number}}"
"""The same for 12 digits that no other request has: of a business and an account of its own."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`rate` a second makes it an open loop; without it the loop is closed. Requests are sent round robin."""

    peer: Peer
    requests: list[str]
    connections: int
    duration_s: float
    expected_status: int
    rate: float | None = None
    warm_up_s: float = 0.0


def generate(plan: Plan) -> dict[str, Any]:
    """Run the plan in another process: `per_second`, `latency_ms`, `failed`, `cpu_cores` and more."""
    finished = subprocess.run(
        [sys.executable, "-m", "load.generator"],
        input=json.dumps(asdict(plan)).encode(),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        timeout=plan.warm_up_s + plan.duration_s + 60,
        check=True,
    )
    report: dict[str, Any] = json.loads(finished.stdout)
    return report


class Requests:
    """Prepared bytes, one after the other; key and number are the only parts that are made while the load runs."""

    def __init__(self, texts: list[str]) -> None:
        self._texts = [text.encode("latin-1") for text in texts]
        self._first = secrets.randbelow(9 * 10**11)

    def __call__(self, number: int) -> bytes:
        text = self._texts[number % len(self._texts)]
        own = f"{10**11 + (self._first + number) % (9 * 10**11)}".encode()
        return text.replace(FRESH_KEY.encode(), str(uuid.uuid4()).encode()).replace(
            FRESH_NUMBER.encode(), own
        )


def _report(plan: Plan, tally: Tally, cpu_s: float, wall_s: float) -> dict[str, Any]:
    good = tally.statuses[plan.expected_status]
    return {
        "per_second": round(good / tally.elapsed_s, 1),
        "answers": good,
        "failed": {str(s): n for s, n in tally.statuses.items() if s != plan.expected_status},
        "latency_ms": latency_ms(tally.latencies_s),
        "most_waiting": tally.most_waiting,
        "cpu_cores": round(cpu_s / wall_s, 2),
    }


async def _run(plan: Plan) -> dict[str, Any]:
    requests = Requests(plan.requests)
    gc.collect()
    gc.freeze()
    gc.disable()  # nothing here makes cycles, and a collection would count as latency
    started, cpu_before = time.monotonic(), time.process_time()
    if plan.rate is None:
        tally = await closed_loop(
            plan.peer,
            requests,
            connections=plan.connections,
            warm_up_s=plan.warm_up_s,
            duration_s=plan.duration_s,
        )
    else:
        total = round(plan.rate * plan.duration_s)
        tally = await open_loop(
            plan.peer, requests, connections=plan.connections, rate=plan.rate, total=total
        )
    return _report(plan, tally, time.process_time() - cpu_before, time.monotonic() - started)


def main() -> None:
    raw = json.load(sys.stdin)
    plan = Plan(peer=Peer(**raw.pop("peer")), **raw)
    json.dump(uvloop.run(_run(plan)), sys.stdout)


if __name__ == "__main__":
    main()
