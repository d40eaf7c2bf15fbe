import os
from dataclasses import replace

from fundline.demo.chaos import API, EARLIEST, LATEST, ROUTER, WORKERS, PlannedKill, find_victim, plan_kills
from fundline.demo.target import Target
from fundline.stack.layout import StackHome
from fundline.stack.state import ProcessIdentity, ProcessRecord, StackState, StateFile


def test_each_run_kills_one_worker_one_router_and_one_api_instance():
    for seed in range(30):
        processes = [kill.process for kill in plan_kills(seed, 4.0)]
        assert sorted(processes) == sorted([API, ROUTER, next(p for p in processes if p in WORKERS)])


def test_the_same_seed_kills_at_the_same_moments_and_another_at_others():
    assert plan_kills(3, 4.0) == plan_kills(3, 4.0)
    assert plan_kills(3, 4.0) != plan_kills(4, 4.0)


def test_kills_fall_into_the_run_in_order():
    for seed in range(30):
        moments = [kill.after_s for kill in plan_kills(seed, 4.0)]
        assert moments == sorted(moments)
        assert all(4.0 * EARLIEST <= moment <= 4.0 * LATEST for moment in moments)


async def test_a_process_that_is_gone_or_another_with_its_pid_is_never_the_victim(tmp_path):
    alive = ProcessIdentity.of(os.getpid())
    reused_pid = replace(alive, created_at_s=alive.created_at_s - 1000)
    identities = {"risk-worker-1": reused_pid, "risk-worker-2": alive, "risk-worker-3": None}
    records = tuple(
        ProcessRecord(
            "risk-worker", instance, "service", identity, 0.0, 0, "http://a", "http://a/health", "log"
        )
        for instance, identity in identities.items()
    )
    StateFile(tmp_path / "run").path.parent.mkdir()
    StateFile(tmp_path / "run").save(StackState(alive, "running", "https://localhost:1", records))
    target = Target(StackHome(tmp_path), "https://localhost:1", "postgresql://none", "http://none")
    for choice in (0.0, 0.5, 0.99):
        victim = await find_victim(PlannedKill("risk-worker", 0.0, choice), target)
        assert victim.instance == "risk-worker-2"
