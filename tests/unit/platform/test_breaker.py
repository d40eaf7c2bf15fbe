import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fundline.platform.resilience import BreakerOpen, BreakerState, CircuitBreaker


class Down(Exception):
    pass


class NotTheirFault(Exception):
    pass


class Situation:
    """A breaker with a clock that the test moves; opens for 10 s, at most 60 s, and its dice always fall on 0."""

    def __init__(self, dice=0.0):
        self.now = 100.0
        self.seen = []
        self.breaker = CircuitBreaker(
            "the bank",
            failures=(Down,),
            failures_to_open=5,
            open_for_s=10,
            longest_open_s=60,
            probe_lasts_s=30,
            clock=lambda: self.now,
            dice=lambda: dice,
            on_change=self.seen.append,
        )

    def call(self, error=None):
        with self.breaker.guard():
            if error is not None:
                raise error

    def fail(self, times=1):
        for _ in range(times):
            with pytest.raises(Down):
                self.call(Down())

    def open(self):
        self.fail(5)
        assert self.breaker.is_open


@pytest.fixture
def situation():
    return Situation()


def test_it_opens_after_five_failures_in_a_row_and_then_refuses_without_calling(situation):
    """Promise 5."""
    situation.fail(4)
    assert not situation.breaker.is_open
    situation.fail(1)
    assert situation.breaker.is_open
    with pytest.raises(BreakerOpen, match="the bank is open"):
        situation.call(AssertionError("the call must not be made"))


def test_a_success_between_failures_starts_the_count_again(situation):
    situation.fail(4)
    situation.call()
    situation.fail(4)
    assert situation.breaker.state is BreakerState.CLOSED


def test_an_exception_that_is_not_listed_says_nothing_about_the_dependency(situation):
    situation.fail(4)
    with pytest.raises(NotTheirFault):
        situation.call(NotTheirFault())
    assert situation.breaker.state is BreakerState.CLOSED
    situation.fail(1)
    assert situation.breaker.is_open


def test_nobody_may_ask_for_a_breaker_that_waits_for_a_sixth_failure():
    for failures_to_open in (0, 6):
        with pytest.raises(ValueError, match="1 to 5"):
            CircuitBreaker("x", failures=(Down,), failures_to_open=failures_to_open)
    for failures_to_open in (1, 5):
        CircuitBreaker("x", failures=(Down,), failures_to_open=failures_to_open)


def test_a_probe_that_succeeds_closes_it(situation):
    situation.open()
    situation.now += 10
    assert not situation.breaker.is_open
    situation.call()
    assert situation.breaker.state is BreakerState.CLOSED
    assert situation.seen == ["closed", "open", "half_open", "closed"]


def test_each_probe_that_fails_doubles_the_rest_up_to_the_cap(situation):
    situation.open()
    rests = []
    for _ in range(5):
        began = situation.now
        while situation.breaker.is_open:
            situation.now += 1
        rests.append(situation.now - began)
        situation.fail(1)
    assert rests == [10, 20, 40, 60, 60]


def test_after_it_closed_the_next_rest_is_short_again(situation):
    situation.open()
    situation.now += 10
    situation.fail(1)
    situation.now += 20
    situation.call()
    situation.open()
    situation.now += 10
    assert not situation.breaker.is_open


def test_the_dice_make_a_rest_up_to_a_fifth_longer():
    situation = Situation(dice=1.0)
    situation.open()
    situation.now += 11.9
    assert situation.breaker.is_open
    situation.now += 0.2
    assert not situation.breaker.is_open


def test_while_a_probe_is_out_everybody_else_is_refused(situation):
    situation.open()
    situation.now += 10
    with situation.breaker.guard():
        for _ in range(20):
            with pytest.raises(BreakerOpen):
                situation.call()


async def test_of_twenty_callers_in_the_same_instant_exactly_one_gets_through(situation):
    """Promise 5: at half-open."""
    situation.open()
    situation.now += 10
    let_go = asyncio.Event()
    entered = []

    async def caller(number):
        with situation.breaker.guard():
            entered.append(number)
            await let_go.wait()

    callers = [asyncio.create_task(caller(number)) for number in range(20)]
    await asyncio.sleep(0)
    let_go.set()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert entered == [0]
    assert sum(isinstance(outcome, BreakerOpen) for outcome in outcomes) == 19


def test_of_twenty_threads_exactly_one_gets_through(situation):
    """Promise 5: at half-open."""
    situation.open()
    situation.now += 10
    start, everybody_asked = threading.Barrier(20), threading.Barrier(20)

    def caller():
        start.wait()
        try:
            with situation.breaker.guard():
                everybody_asked.wait()
        except BreakerOpen:
            everybody_asked.wait()
            return False
        return True

    with ThreadPoolExecutor(20) as threads:
        outcomes = [future.result() for future in [threads.submit(caller) for _ in range(20)]]
    assert sum(outcomes) == 1


async def test_a_cancelled_probe_leaves_its_place_to_the_next_caller(situation):
    situation.open()
    situation.now += 10

    async def never_ends():
        with situation.breaker.guard():
            await asyncio.Event().wait()

    probe = asyncio.create_task(never_ends())
    await asyncio.sleep(0)
    assert situation.breaker.is_open
    probe.cancel()
    await asyncio.wait([probe])
    situation.call()
    assert situation.breaker.state is BreakerState.CLOSED


def test_a_probe_that_never_reports_loses_its_permit_and_its_late_verdict_counts_no_more(situation):
    situation.open()
    situation.now += 10
    with contextlib.suppress(Down), situation.breaker.guard():
        situation.now += 29
        assert situation.breaker.is_open
        situation.now += 1
        situation.call()
        assert situation.breaker.state is BreakerState.CLOSED
        raise Down
    assert situation.breaker.state is BreakerState.CLOSED


def test_a_call_from_before_it_opened_neither_closes_it_nor_opens_it_for_longer(situation):
    with situation.breaker.guard():
        situation.open()
    assert situation.breaker.is_open
    situation.now += 10
    situation.call()
    with contextlib.suppress(Down), situation.breaker.guard():
        situation.open()
        situation.now += 10
        assert not situation.breaker.is_open
        raise Down
    assert not situation.breaker.is_open
