"""A look at the groups while leadership moves: the broker says so, and is asked again."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from fundline.platform.kafka import groups
from fundline.platform.kafka.groups import GroupView, GroupWatch, KafkaUnavailable

VIEWS = [GroupView("risk-worker", 1, {})]


class ChangingWatch(GroupWatch):
    """Answers with these in turn: an error of the broker's, or what it sees."""

    def __init__(self, *answers: int | list[GroupView]) -> None:
        super().__init__("127.0.0.1:1", {"risk-worker": []})
        self.answers = list(answers)

    def _look(self, old_s: float) -> list[GroupView]:
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, int):
            raise KafkaException(KafkaError(answer))
        return answer


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(groups, "_MOVED_PAUSE_S", 0)


@pytest.mark.parametrize("code", sorted(groups._MOVED))
def test_a_leader_that_moved_is_looked_for_again(code):
    assert ChangingWatch(code, code, VIEWS).look(old_s=2) == VIEWS


def test_one_that_never_comes_back_is_told(monkeypatch):
    monkeypatch.setattr(groups, "_MOVED_S", 0)
    with pytest.raises(KafkaUnavailable, match="does not say how its consumer groups are"):
        ChangingWatch(KafkaError.NOT_COORDINATOR).look(old_s=2)


def test_any_other_error_is_told_at_once():
    watch = ChangingWatch(KafkaError.GROUP_AUTHORIZATION_FAILED, VIEWS)
    with pytest.raises(KafkaUnavailable):
        watch.look(old_s=2)
    assert watch.answers == [VIEWS]
