import orjson

from fundline.platform.kafka.standing import STRAYED_AFTER_S, UNREADY_AFTER_S, Standing


class HandClock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def told(*, join_state: str = "steady", state: str = "up", share: int = 2, fetching: int = 2) -> str:
    """The parts of librdkafka's statistics that count, for a consumer with a share of two partitions."""
    partitions = {
        str(number): {"fetch_state": "active" if number < fetching else "none"} for number in range(share)
    }
    partitions["-1"] = {"fetch_state": "none"}  # librdkafka's own, for messages without a partition
    group = {"state": state, "join_state": join_state, "assignment_size": share}
    return orjson.dumps({"cgrp": group, "topics": {"t": {"partitions": partitions}}}).decode()


def member(clock: HandClock) -> Standing:
    standing = Standing(clock=clock)
    standing.joined()
    return standing


def test_a_consumer_is_not_ready_before_it_has_joined():
    assert not Standing().is_ready


def test_a_member_that_fetches_its_share_is_ready_for_as_long_as_it_says_so():
    clock = HandClock()
    standing = member(clock)
    for _ in range(60):
        clock.now_s += 1
        standing.observe(told())
    assert standing.is_ready
    assert standing.is_whole


def test_a_consumer_that_has_left_its_group_is_unready_and_strays():
    for what in (
        told(join_state="init"),
        told(join_state="wait-unassign-to-complete"),
        told(state="wait-coord"),
    ):
        clock = HandClock()
        standing = member(clock)
        for _ in range(int(UNREADY_AFTER_S)):
            clock.now_s += 1
            standing.observe(what)
        assert not standing.is_ready
        assert not standing.has_strayed
        clock.now_s += STRAYED_AFTER_S - UNREADY_AFTER_S + 1
        assert standing.has_strayed


def test_a_consumer_that_does_not_fetch_a_partition_of_its_share_strays():
    """librdkafka gives up to ask for a committed offset after some errors; the partition is ours and silent."""
    clock = HandClock()
    standing = member(clock)
    for _ in range(int(STRAYED_AFTER_S) + 1):
        clock.now_s += 1
        standing.observe(told(fetching=1))
    assert standing.has_strayed


def test_a_consumer_that_tells_nothing_strays():
    clock = HandClock()
    standing = member(clock)
    clock.now_s += STRAYED_AFTER_S + 1
    assert standing.has_strayed
    assert not standing.is_whole


def test_a_member_without_a_partition_is_whole_because_there_may_be_more_members_than_partitions():
    standing = Standing()
    standing.observe(told(share=0))
    assert standing.is_whole


def test_nobody_strays_while_the_broker_is_away():
    clock = HandClock()
    standing = member(clock)
    for _ in range(600):
        clock.now_s += 1
        standing.observe(told(join_state="init", state="query-coord"))
        standing.excuse()
    assert standing.is_ready
    assert not standing.is_whole
