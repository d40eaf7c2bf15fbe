import json

import pytest

from chaos.money_plan import FAULTS, TRIGGERS, money_plan
from fundline.outside.bank_sandbox.faults import FaultKind
from fundline.services.application_api.schemas import ApplicationRequest

HELD_FOR_PEOPLE = {FaultKind.OTHER_AMOUNT}
"""Holds a payment until two people have ended it: a run of machines alone would call it stuck."""


def test_the_same_seed_plans_the_same_run():
    assert money_plan(7, "run") == money_plan(7, "run")


def test_other_seeds_plan_other_runs_and_every_run_kills_something():
    plans = [money_plan(seed, "run") for seed in range(1, 51)]
    assert len({repr((plan.faults, plan.kills, plan.applications)) for plan in plans}) == len(plans)
    assert all(plan.kills for plan in plans)
    assert {kill.trigger for plan in plans for kill in plan.kills} == set(TRIGGERS)


def test_every_fault_of_the_sandbox_bank_is_in_the_plan():
    """`return-later` was not: nothing had ever killed a process while money came back."""
    assert {rule["kind"] for rule in FAULTS} == set(FaultKind) - HELD_FOR_PEOPLE
    met = {fault["kind"] for seed in range(50) for fault in money_plan(seed, "run").faults}
    assert met == set(FaultKind) - HELD_FOR_PEOPLE


@pytest.mark.parametrize("seed", range(50))
def test_every_application_of_a_plan_is_taken(seed):
    for planned in money_plan(seed, f"money-{seed}").applications:
        ApplicationRequest.model_validate_json(json.dumps(planned.body))


def test_two_runs_of_a_seed_share_no_account():
    first, second = (
        {json.dumps(planned.body["payoutAccount"]) for planned in money_plan(3, run).applications}
        for run in ("a", "b")
    )
    assert not first & second
