"""`make chaos SCENARIO=liveness SEEDS=20`: pauses, freezes, kills, locks, full disks, poison, wrong clocks, starvation.

On one stack, seed after seed, under a steady load. Nobody helps: each seed must end with every consumer group at lag 0
within a minute, every process ready, no dead letter but the planted ones, and the three checks of money. Prints one
JSON object per seed and a summary; exit status 1 unless every figure of the summary is zero. `SEED=17 SEEDS=1`: again.
"""

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from rich.console import Console

from chaos.liveness_deeds import Deeds
from chaos.liveness_plan import APPLICATIONS, RATE, LivenessPlan, liveness_plan
from fundline.demo.journey import Journey
from fundline.demo.outcome import Outcome
from fundline.demo.run import RunSettings, Scene, run_demo
from fundline.demo.target import Target, keep_logs, target_of
from fundline.platform.kafka.groups import KafkaUnavailable
from fundline.stack.layout import Ports
from fundline.stack.private import private_home
from fundline.stack.ready import is_well
from fundline.stack.running import Stack
from fundline.stack.state import StateFile
from fundline.stack.up import running_stack
from support.groups import group_lags

DRAINED_WITHIN_S = 60.0
STRAGGLERS_S = 120.0
HOME_BYTES = 3 << 30
FIGURES = ("lost", "paid_twice", "unbalanced", "stuck", "hung", "crash_looped", "by_hand")
LOOPS_FROM = 3
"""So many ends of one process that nobody made it end are a loop; fewer are a process that healed itself."""


@dataclass(slots=True)
class Verdict:
    """`behind`: what was not drained or not ready in time, as sentences. `restarts`: ends that nobody had planned."""

    behind: list[str] = field(default_factory=list)
    restarts: dict[str, int] = field(default_factory=dict)
    letters: list[str] = field(default_factory=list)
    restarted_by_hand: int = 0


@contextmanager
def liveness_stack() -> Iterator[tuple[Stack, Target]]:
    """A private stack; on a small file system of its own where one may be mounted."""
    with private_home() as home:
        mounted = _mount(home.root)
        try:
            with running_stack(home, Ports.free()) as stack:
                state = StateFile(home.run).load()
                assert state is not None
                yield stack, target_of(home, state)
        finally:
            if mounted:
                subprocess.run(["umount", "--lazy", str(home.root)], check=False)


def _mount(root: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={HOME_BYTES},mode=755", "fundline-chaos", str(root)]
    with suppress(OSError):
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    return False


async def run_seed(stack: Stack, target: Target, seed: int) -> dict[str, Any]:
    """Submit, do the deeds, wait, judge."""
    plan = liveness_plan(seed, f"liveness-{seed}-{secrets.token_hex(3)}")
    started_at = time.perf_counter()
    restarts_before = {record.instance: record.restarts for record in stack.processes()}
    letters_before = await _letters(stack)
    deeds = Deeds(stack)
    scene = Scene([Journey(application) for application in plan.applications])
    doing = [asyncio.create_task(deeds.do(deed)) for deed in plan.deeds]
    try:
        settings = RunSettings(rate=RATE, seed=seed, stragglers_s=STRAGGLERS_S)
        outcome = await run_demo(target, plan.applications, settings, scene)
    finally:
        done = await asyncio.gather(*doing, return_exceptions=True)
    verdict = await _verdict(stack, deeds, restarts_before)
    new = {letter: told for letter, told in (await _letters(stack)).items() if letter not in letters_before}
    verdict.letters = [told for (_, key), told in new.items() if key not in deeds.planted]
    verdict.behind += [f"a deed failed: {error!r}" for error in done if isinstance(error, BaseException)]
    return _report(plan, deeds, outcome, verdict, time.perf_counter() - started_at)


async def _verdict(stack: Stack, deeds: Deeds, restarts_before: dict[str, int]) -> Verdict:
    verdict = Verdict(behind=await behind_within(stack, DRAINED_WITHIN_S))
    if verdict.behind:
        kept = await asyncio.to_thread(keep_logs, stack.home)
        Console(stderr=True).print(f"Something is behind; the logs of this moment are kept in {kept}.")
        await _help(stack, verdict)
    for record in stack.processes():
        extra = record.restarts - restarts_before[record.instance] - deeds.touched.get(record.instance, 0)
        if extra > 0:
            verdict.restarts[record.instance] = extra
    return verdict


async def behind_within(stack: Stack, seconds: float) -> list[str]:
    """What is not drained or not ready; empty as soon as everything is."""
    deadline = time.monotonic() + seconds
    with group_lags(stack.kafka.address) as lags_now:
        while True:
            behind = await asyncio.to_thread(_behind, stack, lags_now)
            if not behind or time.monotonic() > deadline:
                return behind
            await asyncio.sleep(0.5)


def _behind(stack: Stack, lags_now: Callable[[], dict[str, int]]) -> list[str]:
    found = [f"{record.instance} is not ready" for record in stack.processes() if not is_well(record.health)]
    try:
        lags = lags_now()
    except KafkaUnavailable as away:
        return [*found, f"the broker does not say: {away}"]
    return found + [f"{group} has {lag} messages to go" for group, lag in lags.items() if lag]


async def _help(stack: Stack, verdict: Verdict) -> None:
    """What a person would do now, so that the next seed begins on a whole stack; each help counts."""
    for record in stack.processes():
        if record.kind == "service" and record.identity is not None:
            with suppress(ProcessLookupError):
                os.kill(record.identity.pid, 9)
            verdict.restarted_by_hand += 1
    await behind_within(stack, DRAINED_WITHIN_S)


async def _letters(stack: Stack) -> dict[tuple[str, str], str]:
    """Every dead letter by its id and key: who gave up on what, and why."""
    connection = await asyncpg.connect(stack.postgres.owner_url)
    try:
        rows = await connection.fetch(
            "select dead_letter_id::text, topic, consumer_group, key, cause from dead_letters"
        )
    finally:
        await connection.close()
    return {
        (
            row["dead_letter_id"],
            row["key"],
        ): f"{row['topic']} of {row['consumer_group']}: {row['cause'][:160]}"
        for row in rows
    }


def _report(
    plan: LivenessPlan, deeds: Deeds, outcome: Outcome, verdict: Verdict, took_s: float
) -> dict[str, Any]:
    checks = outcome.checks
    return {
        "seed": plan.seed,
        "deeds": [str(deed) for deed in plan.deeds],
        "skipped": deeds.skipped,
        "by_status": outcome.by_status(),
        "lost": len(outcome.lost()) + APPLICATIONS - len(outcome.accepted()),
        "paid_twice": checks.paid_twice,
        "unbalanced": len(checks.ledger_problems) + len(checks.bank_problems),
        "stuck": len(checks.unsettled),
        "hung": len(verdict.behind),
        "crash_looped": sum(count >= LOOPS_FROM for count in verdict.restarts.values()),
        "by_hand": verdict.restarted_by_hand + len(verdict.letters),
        "behind": verdict.behind,
        "healed_by_a_restart": verdict.restarts,
        "unplanned_dead_letters": verdict.letters,
        "problems": outcome.problems(),
        "took_s": round(took_s, 1),
    }


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make chaos SCENARIO=liveness", description=__doc__)
    arguments.add_argument("--seeds", type=int, default=int(os.environ.get("SEEDS") or 10))
    arguments.add_argument("--first", type=int, default=int(os.environ.get("SEED") or 1))
    asked = arguments.parse_args()
    if asked.seeds < 1:
        arguments.error("SEEDS is a whole number from 1.")
    summary = dict.fromkeys(("seeds", *FIGURES), 0)
    Console(stderr=True).print("Starting a private stack on free ports.", style="dim")
    with liveness_stack() as (stack, target):
        for seed in range(asked.first, asked.first + asked.seeds):
            result = asyncio.run(run_seed(stack, target, seed))
            print(json.dumps(result), flush=True)
            summary["seeds"] += 1
            for figure in FIGURES:
                summary[figure] += result[figure]
    print(json.dumps(summary, separators=(",", ":")), flush=True)
    return int(any(summary[figure] for figure in FIGURES))


if __name__ == "__main__":
    sys.exit(main())
