"""`make chaos SCENARIO=money SEEDS=50`: kill -9 and bank faults around the bank call, seed after seed, on one stack.

Prints one JSON object per seed and a summary; exit status 1 unless every figure of the summary is zero. A seed repeats
its plan (`SEED=17 SEEDS=1`); which payment meets which fault also depends on who is first on the machine.
"""

import argparse
import asyncio
import json
import os
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console

from chaos.money_plan import MoneyPlan, money_plan
from chaos.money_watch import kill_around
from fundline.demo.journey import Journey
from fundline.demo.outcome import Outcome
from fundline.demo.run import RunSettings, Scene, run_demo
from fundline.demo.target import Target, target_of
from fundline.stack.layout import Ports
from fundline.stack.private import private_home
from fundline.stack.ready import is_well
from fundline.stack.state import StateFile
from fundline.stack.up import running_stack

RATE = 20.0
STRAGGLERS_S = 90.0
HEALTHY_WITHIN_S = 60.0
ADMIN_TIMEOUT_S = 5.0
FASTER = {
    "FUNDLINE_BANK_TIMEOUT_S": "1",
    "FUNDLINE_RETRY_CAP_S": "3",
}
"""Settings of the fleet: a silent bank is noticed sooner than in production, or fifty seeds take hours."""


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What one seed came to. `problems` are the sentences of the checks; empty when all four figures are zero."""

    plan: MoneyPlan
    killed: Sequence[dict[str, object]]
    by_status: dict[str, int]
    lost: int
    paid_twice: int
    unbalanced: int
    stuck: int
    problems: Sequence[str]
    took_s: float

    def report(self) -> dict[str, Any]:
        return {
            "seed": self.plan.seed,
            "applications": len(self.plan.applications),
            "by_status": self.by_status,
            "faults": [_short(rule) for rule in self.plan.faults],
            "killed": list(self.killed),
            "lost": self.lost,
            "paid_twice": self.paid_twice,
            "unbalanced": self.unbalanced,
            "stuck": self.stuck,
            "problems": list(self.problems),
            "took_s": round(self.took_s, 1),
        }


def _short(rule: dict[str, Any]) -> str:
    operation = rule.get("operation", "pay")
    return f"{operation} {rule['kind']}, {rule['times']} times at most, {rule['probability']:.0%}"


@contextmanager
def money_stack() -> Iterator[Target]:
    """A private stack with impatient workers."""
    before = {name: os.environ.get(name) for name in FASTER}
    os.environ.update({name: value for name, value in FASTER.items() if name not in os.environ})
    try:
        with private_home() as home, running_stack(home, Ports.free()):
            state = StateFile(home.run).load()
            assert state is not None
            yield target_of(home, state)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


async def run_seed(target: Target, seed: int) -> SeedResult:
    """Submit, misbehave, kill, wait until everything stands still, and judge."""
    plan = money_plan(seed, f"money-{seed}-{secrets.token_hex(3)}")
    started_at = time.perf_counter()
    scene = Scene([Journey(application) for application in plan.applications])
    killed: list[dict[str, object]] = []
    async with httpx.AsyncClient(base_url=target.bank_url, timeout=ADMIN_TIMEOUT_S, trust_env=False) as bank:
        for rule in plan.faults:
            (await bank.post("/admin/faults", json=rule)).raise_for_status()
        kills = asyncio.create_task(kill_around(plan.kills, target, killed))
        try:
            settings = RunSettings(rate=RATE, seed=seed, stragglers_s=STRAGGLERS_S)
            outcome = await run_demo(target, plan.applications, settings, scene)
        finally:
            kills.cancel()
            await asyncio.wait([kills])
            await _behave(bank)
    await _all_healthy(target)
    return _judged(plan, killed, outcome, time.perf_counter() - started_at)


def _judged(
    plan: MoneyPlan, killed: Sequence[dict[str, object]], outcome: Outcome, took_s: float
) -> SeedResult:
    checks = outcome.checks
    return SeedResult(
        plan=plan,
        killed=killed,
        by_status=outcome.by_status(),
        lost=len(outcome.lost()) + len(plan.applications) - len(outcome.accepted()),
        paid_twice=checks.paid_twice,
        unbalanced=len(checks.ledger_problems) + len(checks.bank_problems),
        stuck=len(checks.unsettled),
        problems=outcome.problems(),
        took_s=took_s,
    )


async def _behave(bank: httpx.AsyncClient) -> None:
    """A bank that was killed has forgotten its faults, and may not be back yet."""
    async with asyncio.timeout(HEALTHY_WITHIN_S):
        while True:
            try:
                (await bank.delete("/admin/faults")).raise_for_status()
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
            else:
                return


async def _all_healthy(target: Target) -> None:
    """The next seed begins on a whole stack."""
    async with asyncio.timeout(HEALTHY_WITHIN_S):
        while True:
            state = StateFile(target.home.run).load()
            records = () if state is None else state.processes
            well = [await asyncio.to_thread(is_well, record.health) for record in records]
            if well and all(well):
                return
            await asyncio.sleep(0.2)


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make chaos SCENARIO=money", description=__doc__)
    arguments.add_argument("--seeds", type=int, default=int(os.environ.get("SEEDS") or 10))
    arguments.add_argument("--first", type=int, default=int(os.environ.get("SEED") or 1))
    asked = arguments.parse_args()
    if asked.seeds < 1:
        arguments.error("SEEDS is a whole number from 1.")
    summary = {"seeds": 0, "lost": 0, "paid_twice": 0, "unbalanced": 0, "stuck": 0}
    Console(stderr=True).print("Starting a private stack on free ports.", style="dim")
    with money_stack() as target:
        for seed in range(asked.first, asked.first + asked.seeds):
            result = asyncio.run(run_seed(target, seed)).report()
            print(json.dumps(result), flush=True)
            summary["seeds"] += 1
            for figure in ("lost", "paid_twice", "unbalanced", "stuck"):
                summary[figure] += result[figure]
    print(json.dumps(summary, separators=(",", ":")), flush=True)
    return int(any(summary[figure] for figure in summary if figure != "seeds"))


if __name__ == "__main__":
    sys.exit(main())
