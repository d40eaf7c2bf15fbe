"""What the demo tells at its end: a decline, a lost answer, a return, a dead letter that two people replay, a split."""

import pytest

from fundline.demo.target import target_of
from fundline.demo.unhappy import play_unhappy_part
from fundline.stack.state import StateFile

pytestmark = pytest.mark.e2e


async def test_a_decline_a_lost_answer_a_return_and_a_dead_letter_end_as_they_should(fleet):
    state = StateFile(fleet.home.run).load()
    assert state is not None
    episodes = await play_unhappy_part(target_of(fleet.home, state))
    assert [episode.problem for episode in episodes] == [""] * 6
    assert [episode.name for episode in episodes] == [
        "decline",
        "unknown",
        "returned",
        "dead-letter",
        "split",
        "checks",
    ]
