"""A few seeds of `make chaos SCENARIO=liveness`, on the fleet of the tests; no disk is filled, for it is not ours."""

import pytest

from chaos.liveness import FIGURES, run_seed
from fundline.demo.target import target_of
from fundline.stack.state import StateFile

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.mark.parametrize("seed", [4, 9])
async def test_whatever_is_paused_frozen_locked_or_poisoned_everything_drains_without_a_hand(fleet, seed):
    state = StateFile(fleet.home.run).load()
    assert state is not None
    result = await run_seed(fleet, target_of(fleet.home, state), seed)
    assert result["behind"] == []
    assert result["unplanned_dead_letters"] == []
    assert {figure: result[figure] for figure in FIGURES} == dict.fromkeys(FIGURES, 0)
