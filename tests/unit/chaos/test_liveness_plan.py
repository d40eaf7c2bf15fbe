from chaos.liveness_plan import KINDS, liveness_plan


def test_the_same_seed_plans_the_same_run():
    assert liveness_plan(7, "run") == liveness_plan(7, "run")


def test_twenty_seeds_do_every_kind_of_deed_and_no_two_are_alike():
    plans = [liveness_plan(seed, "run") for seed in range(1, 21)]
    assert {deed.kind for plan in plans for deed in plan.deeds} == set(KINDS)
    assert len({plan.deeds for plan in plans}) == len(plans)
