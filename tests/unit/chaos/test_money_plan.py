from chaos.money_plan import TRIGGERS, money_plan


def test_the_same_seed_plans_the_same_run():
    assert money_plan(7, "run") == money_plan(7, "run")


def test_other_seeds_plan_other_runs_and_every_run_kills_something():
    plans = [money_plan(seed, "run") for seed in range(1, 51)]
    assert len({repr((plan.faults, plan.kills, plan.applications)) for plan in plans}) == len(plans)
    assert all(plan.kills for plan in plans)
    assert {kill.trigger for plan in plans for kill in plan.kills} == set(TRIGGERS)
