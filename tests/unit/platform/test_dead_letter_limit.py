import pytest

from fundline.platform.kafka.dead_letter_limit import DeadLetterLimit, LimitReached


class Time:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def time():
    return Time()


def taken(limit: DeadLetterLimit, times: int) -> int:
    """How many of so many dead letters got through."""
    through = 0
    for _ in range(times):
        try:
            limit.take()
        except LimitReached:
            continue
        through += 1
    return through


def test_up_to_the_limit_everything_passes_and_then_nothing(time):
    limit = DeadLetterLimit(3, 60, now_s=time)
    assert taken(limit, 3) == 3
    assert limit.remaining_s() == 0
    assert taken(limit, 5) == 0
    assert limit.remaining_s() == 60


def test_it_opens_again_after_a_whole_window_and_counts_anew(time):
    limit = DeadLetterLimit(3, 60, now_s=time)
    taken(limit, 4)
    time.now_s += 59
    assert taken(limit, 1) == 0
    time.now_s += 1
    assert limit.remaining_s() == 0
    assert taken(limit, 10) == 3


def test_a_slow_trickle_never_closes_it(time):
    limit = DeadLetterLimit(3, 60, now_s=time)
    for _ in range(20):
        time.now_s += 20
        assert taken(limit, 1) == 1


def test_unattended_a_flood_costs_at_most_the_limit_per_window(time):
    limit, through = DeadLetterLimit(5, 60, now_s=time), 0
    for _ in range(600):
        time.now_s += 1
        through += taken(limit, 7)
    assert through <= 5 * (600 // 60)
