"""Time and new ids come in from here, so that a test can pass its own.

The time of a process that uses the database is the database's, whatever its machine's clock says: see ADR 0040.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils.compat

Clock = Callable[[], datetime]
"""Gives the present moment, in UTC."""

NewId = Callable[[], UUID]
"""Gives a fresh id; version 7 in production, so ids sort by time."""


def _steady_s() -> float:
    """Seconds since the machine was started, those included in which it slept; nobody can set this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ProcessClock:
    """Begins as the machine's clock; from the first answer of the database on it is the database's."""

    def __init__(
        self, *, machine_s: Callable[[], float] = time.time, steady_s: Callable[[], float] = _steady_s
    ) -> None:
        """`machine_s` gives seconds since 1970 and may be set and jump; `steady_s` from anywhere, and never jumps."""
        self._machine_s, self.steady_s = machine_s, steady_s
        self._zero_s: float | None = None

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.epoch_s(), UTC)

    def epoch_s(self) -> float:
        """Seconds since 1970."""
        return self._machine_s() if self._zero_s is None else self._zero_s + self.steady_s()

    @property
    def machine_offset_s(self) -> float:
        """How far the machine's clock is ahead of this one; negative when it is behind."""
        return 0.0 if self._zero_s is None else self._machine_s() - self.epoch_s()

    def follow(self, said_s: float, *, asked_at_s: float, answered_at_s: float) -> None:
        """The database said a time at a moment between these two of `steady_s`: move no further than that proves.

        So a slow answer moves nothing, and the time does not jitter with the way there and back.
        """
        least_s, most_s = said_s - answered_at_s, said_s - asked_at_s
        present_s = (least_s + most_s) / 2 if self._zero_s is None else self._zero_s
        self._zero_s = min(max(present_s, least_s), most_s)


utc_now = ProcessClock()
"""The clock of this process."""


def new_id() -> UUID:
    return uuid_utils.compat.uuid7()
