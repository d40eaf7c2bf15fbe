import random

import pytest

from fundline.platform.resilience import RetryBudget, RetryPolicy, call_with_retries
from support.retries import saved_up


class Down(Exception):
    pass


class Broken(Exception):
    pass


class Dependency:
    """Counts calls and pauses; fails as often as told."""

    def __init__(self, failures=0, error=Down):
        self.calls, self.pauses, self.retries = 0, [], 0
        self._failures, self._error = failures, error

    async def call(self):
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return "answer"

    async def sleep(self, seconds):
        self.pauses.append(seconds)

    def count_retry(self):
        self.retries += 1

    async def ask(self, budget=None, policy=None, dice=random.random):
        return await call_with_retries(
            self.call,
            may_pass=lambda failure: isinstance(failure, Down),
            budget=budget or saved_up(),
            policy=policy or RetryPolicy(),
            dice=dice,
            sleep=self.sleep,
            on_retry=self.count_retry,
        )


async def test_a_failure_that_may_pass_is_tried_again():
    dependency = Dependency(failures=2)
    assert await dependency.ask() == "answer"
    assert (dependency.calls, dependency.retries) == (3, 2)


async def test_there_are_at_most_three_attempts():
    """Promise 6."""
    dependency = Dependency(failures=99)
    with pytest.raises(Down):
        await dependency.ask()
    assert dependency.calls == 3


async def test_a_failure_that_cannot_pass_is_not_tried_again():
    dependency = Dependency(failures=99, error=Broken)
    with pytest.raises(Broken):
        await dependency.ask()
    assert dependency.calls == 1


async def test_the_pause_is_drawn_from_all_of_zero_to_a_bound_that_doubles_up_to_the_cap():
    """Promise 6: full jitter."""
    policy = RetryPolicy(attempts=6, base_s=0.1, cap_s=0.5)
    longest, shortest = Dependency(failures=5), Dependency(failures=5)
    await longest.ask(policy=policy, dice=lambda: 1.0)
    await shortest.ask(policy=policy, dice=lambda: 0.0)
    assert longest.pauses == [0.1, 0.2, 0.4, 0.5, 0.5]
    assert shortest.pauses == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("requests", [10, 99, 5000])
async def test_at_a_hundred_percent_errors_retries_add_at_most_a_tenth_to_the_load(requests):
    """Promise 6: counted from the very first request of a process."""
    dependency = Dependency(failures=10**9)
    budget = RetryBudget(requests_per_retry=10, burst=5)
    for _ in range(requests):
        with pytest.raises(Down):
            await dependency.ask(budget)
    assert dependency.calls == requests + requests // 10


async def test_quiet_times_save_up_a_burst_and_not_more():
    budget = saved_up(burst=5)
    assert [budget.spend() for _ in range(6)] == [True, True, True, True, True, False]
