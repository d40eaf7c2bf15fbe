"""Retries of a call: few, with full jitter, and only while the budget lasts.

Written here because a budget, full jitter and injected dice do not fit the retry libraries' interfaces.
Invariant: one layer retries. Whoever calls through here must not repeat the call above it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class RetryBudget:
    """Every request earns a share of a retry, so that at 100 % errors retries add 10 % of load and no more.

    At most `burst` retries are saved up. It starts with none: of all requests ever made, no more than one in ten was
    a retry, also in a fleet that is restarted while its dependency is down. Counted in whole requests, because tenths
    do not add up in floats. Belongs to one event loop.
    """

    def __init__(self, *, requests_per_retry: int = 10, burst: int = 5) -> None:
        self._price = requests_per_retry
        self._most = burst * requests_per_retry
        self._earned = 0

    def earn(self) -> None:
        """Call once per request, not per attempt."""
        self._earned = min(self._earned + 1, self._most)

    def spend(self) -> bool:
        """False when there is nothing left: then do not retry."""
        if self._earned < self._price:
            return False
        self._earned -= self._price
        return True


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The pause before attempt n + 1 is anything from 0 to `base_s` x 2^(n-1), at most `cap_s` (full jitter)."""

    attempts: int = 3
    base_s: float = 0.05
    cap_s: float = 1.0

    def pause_s(self, failed_attempts: int, dice: Callable[[], float]) -> float:
        longest_s: float = min(self.cap_s, self.base_s * 2.0 ** (failed_attempts - 1))
        return dice() * longest_s


async def call_with_retries(
    call: Callable[[], Awaitable[T]],
    *,
    may_pass: Callable[[Exception], bool],
    budget: RetryBudget,
    policy: RetryPolicy,
    dice: Callable[[], float] = random.random,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    on_retry: Callable[[], None] = lambda: None,
) -> T:
    """Raises what the last attempt raised. `may_pass` tells which failures a repetition could mend."""
    budget.earn()
    for failed_attempts in range(1, policy.attempts):
        try:
            return await call()
        except Exception as failure:
            if not may_pass(failure) or not budget.spend():
                raise
        on_retry()
        await sleep(policy.pause_s(failed_attempts, dice))
    return await call()
