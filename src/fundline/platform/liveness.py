"""Liveness by progress: every loop of a process beats each time it turns, and a thread of its own watches the beats.

A loop that is late makes the process unready; one that stays late ends it, so that the runner or Kubernetes starts it
afresh. Nothing here waits for the event loop: a process whose event loop stands still is found as well.
"""

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence

import orjson

from fundline.platform.telemetry.logs import flush_logs

HUNG_EXIT_CODE = 86
"""Exit status of a process that ended itself because one of its loops no longer turned."""
_LOOK_EVERY_S = 0.25
_LAST_WORDS_S = 2
"""For the log's last lines and the stacks of all threads; in whole seconds."""
_FROZEN_S = 1.0
"""A gap between two looks of the watchdog's own longer than this was the machine's or a SIGSTOP's, not the loop's."""


class Heartbeat:
    """The beat of one loop. `limit_s`: the longest that one turn may take. Any thread may beat or ask."""

    def __init__(self, name: str, limit_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self.limit_s, self._clock = name, limit_s, clock
        self._beaten_at = 0.0
        self._due_at: float | None = None

    def beat(self, rest_s: float = 0.0) -> None:
        """The loop has turned; it now rests for `rest_s` seconds, and then takes at most its limit."""
        self._beaten_at = self._clock()
        self._due_at = self._beaten_at + rest_s + self.limit_s

    def end(self) -> None:
        """The loop has ended, as it was asked to: it is late no more."""
        self._due_at = None

    def forgive(self, seconds: float) -> None:
        """The process stood still for so long, through no fault of the loop's."""
        if self._due_at is not None:
            self._due_at += seconds

    @property
    def age_s(self) -> float:
        """Seconds since the last beat; 0 before the first and after the end."""
        return 0.0 if self._due_at is None else self._clock() - self._beaten_at

    @property
    def late_s(self) -> float:
        """How long it has been late; 0 or less: it is not."""
        return 0.0 if self._due_at is None else self._clock() - self._due_at


class Watchdog(threading.Thread):
    """Looks at all beats. `grace_s`: how long a loop may be late before the process ends."""

    def __init__(
        self,
        heartbeats: Sequence[Heartbeat],
        *,
        grace_s: float,
        end: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._heartbeats, self._grace_s, self._clock = tuple(heartbeats), grace_s, clock
        self._end = end or end_process
        self._looked_at = clock()

    def watch(self, heartbeats: Sequence[Heartbeat]) -> None:
        """These as well, from now on."""
        self._heartbeats += tuple(heartbeats)

    def late(self) -> list[str]:
        """Names of the loops that are late now."""
        return [heartbeat.name for heartbeat in self._heartbeats if heartbeat.late_s > 0]

    def run(self) -> None:
        """As long as the process lives, also while it ends: what hangs then is cut off as well."""
        while True:
            time.sleep(_LOOK_EVERY_S)
            self.look()

    def look(self) -> None:
        """Once: forgives what the whole process stood still for, then ends it for a loop that is late for too long."""
        now = self._clock()
        stood_still_s = now - self._looked_at - _LOOK_EVERY_S
        self._looked_at = now
        if stood_still_s > _FROZEN_S:
            for heartbeat in self._heartbeats:
                heartbeat.forgive(stood_still_s)
            return
        for heartbeat in self._heartbeats:
            if heartbeat.late_s > self._grace_s:
                self._end(heartbeat.name)
                return


def end_process(loop: str) -> None:
    """Say on standard error which loop hangs and where every thread is, then end at once: nothing here may wait.

    Whom a full disk or a pipe that nobody reads holds up, SIGALRM ends.
    """
    signal.alarm(_LAST_WORDS_S)
    flush_logs(_LAST_WORDS_S / 4)
    line = {"log.level": "critical", "message": "process.hung", "fundline.loop": loop}
    with contextlib.suppress(OSError):
        os.write(2, orjson.dumps(line) + b"\n")
    with contextlib.suppress(OSError, ValueError):
        faulthandler.dump_traceback(file=sys.__stderr__ or 2, all_threads=True)
    os._exit(HUNG_EXIT_CODE)
