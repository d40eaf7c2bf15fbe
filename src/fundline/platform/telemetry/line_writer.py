"""Writes log lines in a thread of its own: whoever logs never waits for a disk, a pipe or a reader that stands still.

Invariant: a line that cannot be written is counted and dropped. The buffer is bounded, an error of the system ends
nothing, and the end of the process waits for the last lines a limited time.
"""

import contextlib
import os
import select
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping

BUFFER_LINES = 4096
"""Some megabytes. So many lines wait only while nothing can be written; what comes then is dropped."""
CLOSE_LIMIT_S = 2.0
_GATHER_S = 0.01
"""Lines of this long share one write: the most that a `kill -9` can cost."""
_BATCH_LINES = 512
_AFTER_A_FAILURE_S = 1.0
"""A full disk is not asked again for each line."""
_FULL_PIPE_S = 0.25

BUFFER_FULL, NOT_WRITTEN = "buffer_full", "not_written"
"""Causes of a loss: disk or reader are slower than we log; the system refused the write (full disk, closed pipe)."""

Tell = Callable[[str, Mapping[str, int | str]], bytes]
"""Makes a line of the writer's own from the name of an event and its fields."""


class LineWriter:
    """`write` may be called from any thread and returns at once."""

    def __init__(
        self, descriptor: int, tell: Tell, *, last_resort: int | None = None, buffer_lines: int = BUFFER_LINES
    ) -> None:
        """`last_resort`: a descriptor that is told once when lines begin to be lost."""
        self._descriptor, self._tell, self._last_resort = descriptor, tell, last_resort
        self._lines: deque[bytes] = deque()
        self._buffer_lines = buffer_lines
        self._wake, self._idle, self._closing = threading.Event(), threading.Event(), threading.Event()
        self._ends_torn, self._is_losing = False, False
        self._losses = threading.Lock()
        self._untold: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        """Lines by cause, since the start."""
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        """`line` ends with a line feed."""
        if len(self._lines) >= self._buffer_lines:
            self._lose(1, BUFFER_FULL)
            return
        self._lines.append(line)
        if not self._wake.is_set():  # to look is cheaper than to set it each time
            self._wake.set()

    def flush(self, limit_s: float = CLOSE_LIMIT_S) -> bool:
        """Wait until each line is written or lost. False when that took longer than the limit."""
        deadline = time.monotonic() + limit_s
        while self._lines or not self._idle.is_set():
            if not self._thread.is_alive() or time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True

    def close(self, limit_s: float = CLOSE_LIMIT_S) -> None:
        """Write what waits, within the limit; what comes later is lost."""
        self._closing.set()
        self._wake.set()
        self._thread.join(limit_s)

    def _run(self) -> None:
        while True:
            if not self._lines:
                self._idle.set()
                if self._closing.is_set():
                    return
                self._wake.wait()
                self._idle.clear()
                self._closing.wait(_GATHER_S)
            self._wake.clear()
            count = min(len(self._lines), _BATCH_LINES)
            if count:
                self._write_batch([self._lines.popleft() for _ in range(count)])

    def _write_batch(self, batch: list[bytes]) -> None:
        told, self._untold = self._untold, Counter()
        news = self._tell("logs.lost", told) if told else b""
        content = b"".join([b"\n" * self._ends_torn, news, *batch])
        done = 0
        try:
            while done < len(content):
                done += self._write_some(content, done)
        except OSError as error:
            # What stands there now may end in the middle of a line; the next write begins a new one.
            self._ends_torn = self._ends_torn if done == 0 else content[done - 1 : done] != b"\n"
            if done < len(news):
                self._untold.update(told)
            self._lose(content.count(b"\n", max(done, len(content) - sum(map(len, batch)))), NOT_WRITTEN)
            self._say_once(error)
            self._closing.wait(_AFTER_A_FAILURE_S)
        else:
            self._ends_torn = self._is_losing = False

    def _write_some(self, content: bytes, start: int) -> int:
        """How many bytes were written. Raises OSError."""
        try:
            return os.write(self._descriptor, memoryview(content)[start:])
        except BlockingIOError:  # a pipe that somebody has made non-blocking, and its reader stands still
            poll = select.poll()
            poll.register(self._descriptor, select.POLLOUT)
            if not poll.poll(_FULL_PIPE_S * 1000) and self._closing.is_set():
                raise
            return 0

    def _lose(self, lines: int, cause: str) -> None:
        with self._losses:
            self.lost[cause] += lines
            self._untold[cause] += lines

    def _say_once(self, error: OSError) -> None:
        if self._is_losing or self._last_resort is None:
            return
        self._is_losing = True
        with contextlib.suppress(OSError):
            os.write(self._last_resort, self._tell("logs.not_written", {"cause": str(error.strerror)}))
