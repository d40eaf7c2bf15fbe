import random

from hypothesis import given
from hypothesis import strategies as st

from fundline.platform.kafka.offsets import OffsetTracker

P = ("topic", 0)


def started(*offsets: int) -> OffsetTracker:
    tracker = OffsetTracker()
    for offset in offsets:
        assert tracker.started(P, offset) == 1
    return tracker


def test_only_an_unbroken_run_is_committed():
    tracker = started(5, 6, 7)
    tracker.finished(P, 6, 1)
    assert tracker.take_commits() == []
    tracker.finished(P, 5, 1)
    assert tracker.take_commits() == [(P, 7)]
    tracker.finished(P, 7, 1)
    assert tracker.take_commits() == [(P, 8)]
    assert tracker.take_commits() == []


def test_a_partition_taken_away_is_forgotten_with_what_was_in_flight():
    tracker = started(1, 2, 3)
    tracker.finished(P, 2, 1)
    assert tracker.in_flight == 2
    tracker.forget(P)
    assert tracker.in_flight == 0
    tracker.finished(P, 1, 1)
    assert tracker.take_commits() == []


def test_a_commit_that_failed_is_offered_again_and_only_that():
    tracker = started(1)
    other = ("topic", 1)
    epoch = tracker.started(other, 9)
    tracker.finished(P, 1, 1)
    tracker.finished(other, 9, epoch)
    assert tracker.take_commits([other]) == [(other, 10)]
    assert tracker.take_commits() == [(P, 2)]
    tracker.not_committed(P)
    tracker.not_committed(("never", 0))
    assert tracker.take_commits() == [(P, 2)]
    assert tracker.take_commits() == []


def test_each_partition_has_its_own_epoch_idleness_and_flight():
    tracker = started(1)
    other = ("topic", 1)
    epoch = tracker.started(other, 1)
    assert epoch == 2
    assert tracker.handling(other, 1, epoch)
    assert tracker.is_idle([P])
    assert not tracker.is_idle([P, other])
    assert tracker.is_idle([("never", 0)])
    assert tracker.in_flight == 2
    tracker.forget(other)
    tracker.forget(("never", 0))
    assert tracker.in_flight == 1
    assert tracker.parked == 0


def test_what_was_never_started_is_neither_worked_on_nor_finished():
    tracker = started(1)
    assert not tracker.handling(("never", 0), 1, 1)
    tracker.finished(("never", 0), 1, 1)
    tracker.finished(P, 7, 1)
    assert tracker.in_flight == 1
    assert tracker.take_commits() == []


def test_a_message_that_is_read_again_is_finished_again():
    tracker = started(5)
    tracker.finished(P, 5, 1)
    assert tracker.started(P, 5) == 1
    tracker.finished(P, 5, 1)
    assert tracker.in_flight == 0


def test_finishing_twice_counts_once():
    tracker = started(1, 2)
    tracker.finished(P, 2, 1)
    tracker.finished(P, 2, 1)
    assert tracker.in_flight == 1


@given(st.lists(st.integers(0, 1000), unique=True, min_size=1, max_size=60), st.randoms())
def test_in_any_order_of_finishing_nothing_unfinished_is_ever_committed(offsets, dice: random.Random):
    offsets = sorted(offsets)  # gaps are normal: compaction, transaction markers
    tracker = started(*offsets)
    order = offsets[:]
    dice.shuffle(order)
    done: set[int] = set()
    for offset in order:
        tracker.finished(P, offset, 1)
        done.add(offset)
        for _, committed in tracker.take_commits():
            assert all(o in done for o in offsets if o < committed)
    assert tracker.in_flight == 0
    assert tracker.is_idle([P])


def test_messages_that_only_wait_do_not_hold_up_a_rebalance():
    tracker = started(1, 2)
    assert tracker.is_idle([P])
    assert tracker.handling(P, 2, 1)
    assert not tracker.is_idle([P])
    tracker.finished(P, 2, 1)
    assert tracker.is_idle([P])
    assert tracker.take_commits() == []


def test_what_came_with_an_earlier_assignment_neither_works_nor_counts():
    tracker = started(5, 6, 7)
    tracker.forget(P)
    assert tracker.started(P, 5) == 2
    assert not tracker.handling(P, 5, 1)
    tracker.finished(P, 5, 1)
    assert tracker.take_commits() == []
    assert tracker.handling(P, 5, 2)
    tracker.finished(P, 5, 2)
    assert tracker.take_commits() == [(P, 6)]
