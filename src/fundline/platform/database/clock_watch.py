"""Keeps the process's clock at the database's, and says so when the machine's own is wrong."""

from fundline.platform.clock import ProcessClock, utc_now
from fundline.platform.database.metrics import DatabaseMetrics
from fundline.platform.database.pool import Database
from fundline.platform.loop import Loop
from fundline.platform.telemetry.metrics import Metrics

LIMIT_S = 5.0
"""A machine's clock that is further from the database's than this is wrong: its instance is not ready."""
_EVERY_S = 1.0


class ClockWatch(Loop):
    """What the process does is right all the same; what else runs on that machine, or reads its clock, is not."""

    def __init__(self, database: Database, metrics: Metrics, *, clock: ProcessClock = utc_now) -> None:
        super().__init__("clock", every_s=_EVERY_S)
        self._database, self._metrics, self._clock = database, metrics.of(DatabaseMetrics), clock
        self._was_right = True

    async def turn(self) -> None:
        await self._database.read_clock(self._clock)
        self.judge()

    def judge(self) -> None:
        offset_s = self._clock.machine_offset_s
        self._metrics.clock_offset_s.set(offset_s)
        is_right = abs(offset_s) <= LIMIT_S
        if is_right != self._was_right:
            log = self._log.info if is_right else self._log.error
            log("clock.right" if is_right else "clock.wrong", ahead_s=round(offset_s, 3))
        self._was_right = is_right

    async def is_right(self) -> bool:
        """For readiness. Looks at the machine's clock now, which may have been set since the last turn."""
        self.judge()
        return self._was_right
