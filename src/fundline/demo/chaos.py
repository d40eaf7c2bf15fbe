"""CHAOS=kill: kill -9 one worker, the active router and one API instance, each at a random moment of the run.

The supervisor of the stack restarts them. The same seed kills the same processes at the same moments.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from fundline.demo.target import Target
from fundline.stack.ready import is_well
from fundline.stack.state import ProcessRecord

WORKERS = ("risk-worker", "disbursement-worker")
ROUTER = "event-router"
API = "application-api"
EARLIEST, LATEST = 0.05, 0.9
"""Shares of the time in which applications are submitted."""
VICTIM_WITHIN_S = 10.0
BACK_WITHIN_S = 60.0
LOOK_EVERY_S = 0.05
METRICS_TIMEOUT_S = 1.0
LEADER_METRIC = "fundline_outbox_leader"


@dataclass(frozen=True, slots=True)
class PlannedKill:
    """`choice` from 0 to 1 picks the instance; for the router it is the active relay when that can be told."""

    process: str
    after_s: float
    choice: float


@dataclass(slots=True)
class Kill:
    """`at_ms` counts from the first submission; `back_after_ms` until the restarted process was healthy."""

    instance: str
    at_ms: int
    back_after_ms: int | None = None


def plan_kills(seed: int, submitting_s: float) -> list[PlannedKill]:
    """In the order of time."""
    dice = random.Random(f"kill:{seed}")
    processes = (dice.choice(WORKERS), ROUTER, API)
    planned = [
        PlannedKill(process, submitting_s * dice.uniform(EARLIEST, LATEST), dice.random())
        for process in processes
    ]
    return sorted(planned, key=lambda kill: kill.after_s)


async def carry_out(
    planned: Sequence[PlannedKill], target: Target, started_at: float, killed: Callable[[Kill], None]
) -> None:
    """Kill as planned; returns when each victim is healthy again, or has had its time. Clock: perf_counter."""
    async with asyncio.TaskGroup() as group:
        for kill in planned:
            group.create_task(_kill_one(kill, target, started_at, killed))


async def _kill_one(
    planned: PlannedKill, target: Target, started_at: float, killed: Callable[[Kill], None]
) -> None:
    await asyncio.sleep(started_at + planned.after_s - time.perf_counter())
    victim = await find_victim(planned, target)
    if victim is None or victim.identity is None:
        return
    os.kill(victim.identity.pid, signal.SIGKILL)
    killed_at = time.perf_counter()
    kill = Kill(victim.instance, round((killed_at - started_at) * 1000))
    killed(kill)
    while time.perf_counter() - killed_at < BACK_WITHIN_S:
        await asyncio.sleep(LOOK_EVERY_S)
        for record in target.instances(planned.process):
            is_new = record.instance == victim.instance and record.identity not in {None, victim.identity}
            if is_new and await asyncio.to_thread(is_well, record.health):
                kill.back_after_ms = round((time.perf_counter() - killed_at) * 1000)
                return


async def find_victim(planned: PlannedKill, target: Target) -> ProcessRecord | None:
    """A living instance; waits a little while all are being restarted."""
    deadline = time.perf_counter() + VICTIM_WITHIN_S
    while time.perf_counter() < deadline:
        records = target.instances(planned.process)
        alive = [record for record in records if record.identity and record.identity.is_alive()]
        leading = (
            [record for record in alive if await _is_leading(record)] if planned.process == ROUTER else []
        )
        if candidates := leading or alive:
            return candidates[int(planned.choice * len(candidates))]
        await asyncio.sleep(LOOK_EVERY_S)
    return None


async def _is_leading(router: ProcessRecord) -> bool:
    try:
        async with httpx.AsyncClient(timeout=METRICS_TIMEOUT_S, trust_env=False) as client:
            text = (await client.get(f"{router.address}/metrics")).text
    except httpx.HTTPError:
        return False
    return any(
        line.startswith(LEADER_METRIC) and float(line.rpartition(" ")[2]) == 1.0 for line in text.splitlines()
    )
