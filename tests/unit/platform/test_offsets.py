import random

from hypothesis import given
from hypothesis import strategies as st

from fundline.platform.kafka.offsets import OffsetTracker

P = ("topic", 0)


def started(*offsets: int) -> OffsetTracker:
    tracker = OffsetTracker()
    for offset in offsets:
        tracker.started(P, offset)
    return tracker


def test_only_an_unbroken_run_is_committed():
    tracker = started(5, 6, 7)
    tracker.finished(P, 6)
    assert tracker.take_commits() == []
    tracker.finished(P, 5)
    assert tracker.take_commits() == [(P, 7)]
    tracker.finished(P, 7)
    assert tracker.take_commits() == [(P, 8)]
    assert tracker.take_commits() == []


def test_a_partition_taken_away_is_forgotten_with_what_was_in_flight():
    tracker = started(1, 2, 3)
    tracker.finished(P, 2)
    assert tracker.in_flight == 2
    tracker.forget(P)
    assert tracker.in_flight == 0
    tracker.finished(P, 1)
    assert tracker.take_commits() == []


def test_finishing_twice_counts_once():
    tracker = started(1, 2)
    tracker.finished(P, 2)
    tracker.finished(P, 2)
    assert tracker.in_flight == 1


@given(st.lists(st.integers(0, 1000), unique=True, min_size=1, max_size=60), st.randoms())
def test_in_any_order_of_finishing_nothing_unfinished_is_ever_committed(offsets, dice: random.Random):
    offsets = sorted(offsets)  # gaps are normal: compaction, transaction markers
    tracker = started(*offsets)
    order = offsets[:]
    dice.shuffle(order)
    done: set[int] = set()
    for offset in order:
        tracker.finished(P, offset)
        done.add(offset)
        for _, committed in tracker.take_commits():
            assert all(o in done for o in offsets if o < committed)
    assert tracker.in_flight == 0
    assert tracker.is_idle([P])


def test_messages_that_only_wait_do_not_hold_up_a_rebalance():
    tracker = started(1, 2)
    assert tracker.is_idle([P])
    tracker.handling(P, 2)
    assert not tracker.is_idle([P])
    tracker.finished(P, 2)
    assert tracker.is_idle([P])
    assert tracker.take_commits() == []
