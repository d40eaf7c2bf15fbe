"""What the money scenario submits is sound, whatever its seed: a refused application would break nothing."""

import json

import pytest

from chaos.money_plan import money_plan
from fundline.services.application_api.schemas import ApplicationRequest


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
