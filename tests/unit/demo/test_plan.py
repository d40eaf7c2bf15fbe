from fundline.demo.plan import plan_applications


def test_the_same_seed_plans_the_same_applications_in_the_same_order():
    first, again = (plan_applications(50, 7, "a") for _ in range(2))
    assert [planned.body for planned in first] == [planned.body for planned in again]


def test_another_run_has_the_same_loans_for_other_people_businesses_and_accounts():
    first, second = (plan_applications(50, 7, run) for run in ("a", "b"))
    for one, other in zip(first, second, strict=True):
        assert one.applicant != other.applicant
        assert one.body["payoutAccount"] != other.body["payoutAccount"]
        assert one.body["business"]["legalName"] != other.body["business"]["legalName"]
        same = [
            [body["amount"], body["figures"], body["business"] | {"legalName": ""}, body["termMonths"]]
            for body in (one.body, other.body)
        ]
        assert same[0] == same[1]


def test_another_seed_plans_other_applications():
    assert [p.body for p in plan_applications(50, 7, "a")] != [p.body for p in plan_applications(50, 8, "a")]


def test_each_application_has_its_own_key_and_no_key_of_another_run():
    keys = {planned.idempotency_key for run in ("a", "b") for planned in plan_applications(300, 1, run)}
    assert len(keys) == 600


def test_beyond_the_sample_no_application_comes_twice():
    bodies = [str(planned.body) for planned in plan_applications(1000, 1, "a")]
    assert len(set(bodies)) == 1000


def test_nothing_counts_together_with_another_application():
    """Exposure is summed per applicant, business and account: a demo whose people share one is referred."""
    planned = plan_applications(2000, 1, "a")
    for shared in (
        [one.applicant for one in planned],
        [one.body["business"]["legalName"] for one in planned],
        [str(one.body["payoutAccount"]) for one in planned],
    ):
        assert len(set(shared)) == 2000
