from fundline.demo.plan import MOST_APPLICANTS, plan_applications


def test_the_same_seed_plans_the_same_applications_in_the_same_order():
    first, second = (plan_applications(50, 7, run) for run in ("a", "b"))
    assert [planned.body for planned in first] == [planned.body for planned in second]


def test_another_seed_plans_other_applications():
    assert [p.body for p in plan_applications(50, 7, "a")] != [p.body for p in plan_applications(50, 8, "a")]


def test_each_application_has_its_own_key_and_no_key_of_another_run():
    keys = {planned.idempotency_key for run in ("a", "b") for planned in plan_applications(300, 1, run)}
    assert len(keys) == 600


def test_beyond_the_sample_no_application_comes_twice():
    bodies = [str(planned.body) for planned in plan_applications(1000, 1, "a")]
    assert len(set(bodies)) == 1000


def test_several_people_apply_but_not_too_many():
    assert len({planned.applicant for planned in plan_applications(1, 1, "a")}) == 1
    assert len({planned.applicant for planned in plan_applications(200, 1, "a")}) == 100
    assert len({planned.applicant for planned in plan_applications(2000, 1, "a")}) == MOST_APPLICANTS
