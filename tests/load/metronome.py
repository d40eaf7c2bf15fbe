"""Beats at a constant rate, from the kernel's own timer: event loops round their timers to whole milliseconds."""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable

_CLOCK_MONOTONIC = 1
_NONBLOCK = os.O_NONBLOCK
_ABSOLUTE = 1
_BILLION = 1_000_000_000


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))

    @classmethod
    def of(cls, nanoseconds: int) -> "_Timespec":
        return cls(*divmod(nanoseconds, _BILLION))


class _Schedule(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("first", _Timespec))


class Metronome:
    """Calls `beat(planned_at)` at `rate` a second for `count` beats; `planned_at` is on `time.monotonic`.

    A beat that comes late still carries the moment for which it was planned. Linux only, as the engines are.
    """

    def __init__(self, rate: float, count: int, beat: Callable[[float], None]) -> None:
        self._interval_ns, self._left, self._beat = round(_BILLION / rate), count, beat
        self._planned_ns = 0
        self._timer = -1
        self.finished = asyncio.Event()

    def start(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._timer = libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK)
        if self._timer < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._planned_ns = time.monotonic_ns() + self._interval_ns
        schedule = _Schedule(_Timespec.of(self._interval_ns), _Timespec.of(self._planned_ns))
        if libc.timerfd_settime(self._timer, _ABSOLUTE, ctypes.byref(schedule), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")
        asyncio.get_running_loop().add_reader(self._timer, self._on_beats)

    def stop(self) -> None:
        if self._timer >= 0:
            asyncio.get_running_loop().remove_reader(self._timer)
            os.close(self._timer)
            self._timer = -1
        self.finished.set()

    def _on_beats(self) -> None:
        try:
            passed = int.from_bytes(os.read(self._timer, 8), "little")
        except BlockingIOError:
            return
        for _ in range(min(passed, self._left)):
            self._beat(self._planned_ns / _BILLION)
            self._planned_ns += self._interval_ns
            self._left -= 1
        if self._left <= 0:
            self.stop()
