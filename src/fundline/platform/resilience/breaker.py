"""A circuit breaker: after some failures in a row nobody calls, then exactly one caller tries.

Common libraries let all callers through at half-open; a dependency that has just come back is then knocked over again.
Invariant: at most one probe holds a permit at any moment, however many callers and threads ask.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

MOST_FAILURES = 5
_JITTER = 0.2
"""Up to this share longer: processes whose breakers opened together do not probe together."""


class BreakerState(StrEnum):
    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"

    @property
    def level(self) -> int:
        """As the metric `breaker_state` shows it: 0, 1, 2."""
        return list(BreakerState).index(self)


class BreakerOpen(Exception):
    """Refused without a call: the dependency is resting, or another caller is trying it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the circuit breaker of {name} is open")


class CircuitBreaker:
    """`failures` are the exceptions that speak against the dependency; any other one says nothing about it.

    Opens after `failures_to_open` failures in a row, for `open_for_s`; twice as long after each failed probe, up to
    `longest_open_s`. A probe that does not report within `probe_lasts_s` has lost its permit to the next caller.
    Only the verdict of a call that began in the present state counts. Safe to share between threads.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: tuple[type[Exception], ...],
        failures_to_open: int = MOST_FAILURES,
        open_for_s: float = 5.0,
        longest_open_s: float = 60.0,
        probe_lasts_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] = random.random,
        on_change: Callable[[BreakerState], None] = lambda _: None,
    ) -> None:
        """`dice` gives 0 to 1. `on_change` is called at once and at each change; it must be quick."""
        if not 1 <= failures_to_open <= MOST_FAILURES:
            raise ValueError(f"A breaker opens after 1 to {MOST_FAILURES} failures.")
        self.name = name
        self._failures, self._failures_to_open = failures, failures_to_open
        self._first_open_s, self._longest_open_s = open_for_s, longest_open_s
        self._probe_lasts_s = probe_lasts_s
        self._clock, self._dice, self._on_change = clock, dice, on_change
        self._lock = threading.Lock()
        self._state = BreakerState.CLOSED
        self._failed_in_a_row = 0
        self._open_for_s = open_for_s
        self._refusing_until = 0.0
        self._permit = 0
        """Of a call that may report; a change of state makes all earlier ones void."""
        on_change(self._state)

    @property
    def state(self) -> BreakerState:
        return self._state

    @property
    def is_open(self) -> bool:
        """True while a call would be refused."""
        with self._lock:
            return self._refuses(self._clock())

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around one call. Raises BreakerOpen instead of entering; lets every exception of the call through.

        A call that is cancelled, or ends in an exception that is not listed, gives no verdict; a probe that ends so
        hands its permit to the next caller.
        """
        permit = self._admit()
        try:
            yield
        except self._failures:
            self._report(permit, succeeded=False)
            raise
        except BaseException:
            self._report(permit, succeeded=None)
            raise
        self._report(permit, succeeded=True)

    def _admit(self) -> int:
        with self._lock:
            now = self._clock()
            if self._refuses(now):
                raise BreakerOpen(self.name)
            if self._state is not BreakerState.CLOSED:
                self._enter(BreakerState.HALF_OPEN, refusing_until=now + self._probe_lasts_s)
            return self._permit

    def _refuses(self, now: float) -> bool:
        return self._state is not BreakerState.CLOSED and now < self._refusing_until

    def _report(self, permit: int, *, succeeded: bool | None) -> None:
        with self._lock:
            if permit != self._permit:
                return
            if succeeded is None:
                self._refusing_until = 0.0
            elif succeeded:
                self._succeeded()
            else:
                self._failed()

    def _succeeded(self) -> None:
        self._failed_in_a_row = 0
        if self._state is BreakerState.HALF_OPEN:
            self._open_for_s = self._first_open_s
            self._enter(BreakerState.CLOSED, refusing_until=0.0)

    def _failed(self) -> None:
        self._failed_in_a_row += 1
        if self._state is BreakerState.CLOSED and self._failed_in_a_row < self._failures_to_open:
            return
        if self._state is BreakerState.HALF_OPEN:
            self._open_for_s = min(2 * self._open_for_s, self._longest_open_s)
        open_for_s = self._open_for_s * (1 + _JITTER * self._dice())
        self._failed_in_a_row = 0
        self._enter(BreakerState.OPEN, refusing_until=self._clock() + open_for_s)

    def _enter(self, state: BreakerState, *, refusing_until: float) -> None:
        self._permit += 1
        self._refusing_until = refusing_until
        if state is not self._state:
            self._state = state
            self._on_change(state)
