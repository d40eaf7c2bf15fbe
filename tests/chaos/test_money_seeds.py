"""A few seeds of `make chaos SCENARIO=money`, on the fleet of the tests: kills and bank faults around the bank call."""

import pytest

from chaos.money import run_seed
from fundline.demo.target import target_of
from fundline.stack.state import StateFile

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("seed", [3, 6, 41])
async def test_kills_and_faults_around_the_bank_call_lose_nothing_and_pay_nobody_twice(fleet, seed):
    state = StateFile(fleet.home.run).load()
    assert state is not None
    result = await run_seed(target_of(fleet.home, state), seed)
    assert result.killed, "this seed is known to kill something"
    assert list(result.problems) == []
    assert (result.lost, result.paid_twice, result.unbalanced, result.stuck) == (0, 0, 0, 0)
