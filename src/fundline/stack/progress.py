"""Shows people what the stack is doing: a live table on a terminal, plain lines anywhere else."""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TextIO, cast

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

PLAIN_LINE_EVERY_S = 1.0
PAGE_WIDTH = 160


@dataclass(slots=True)
class _Line:
    text: str
    started_at: float
    ended_at: float | None = None
    printed_at: float = 0.0


def open_console(*, stderr: bool = False, is_vital: bool = True) -> Console:
    """A console that uses the terminal's width, and a wide page anywhere else.

    `is_vital` False: lines that cannot be written are dropped, and whoever says them lives on.
    """
    stream = sys.stderr if stderr else sys.stdout
    file = cast("TextIO", stream if is_vital else _Forgiving(stream))
    console = Console(file=file, highlight=False)
    return console if console.is_terminal else Console(file=file, highlight=False, width=PAGE_WIDTH)


class _Forgiving:
    """A stream that drops what a full disk or a reader that is gone does not take."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Progress:
    """Takes lines from any thread: `say` replaces a part's line, `done` ends it, `notice` stands alone."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._lines: dict[str, _Line] = {}
        self._lock = threading.Lock()
        self._live: Live | None = None
        self._spinner = Spinner("dots")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._table, console=self._console, refresh_per_second=8, transient=True
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            live, self._live = self._live, None
            live.stop()

    def say(self, part: str, text: str) -> None:
        """What the part does now. Plain output shows at most one such line a second and part."""
        with self._lock:
            now = self._clock()
            line = self._lines.get(part)
            if line is None:
                line = self._lines[part] = _Line(text, now)
            repeated, line.text, line.ended_at = line.text == text, text, None
            is_due = line.printed_at == 0.0 or (not repeated and now - line.printed_at >= PLAIN_LINE_EVERY_S)
            if is_due:
                line.printed_at = now
        if self._live is None and is_due:
            self._print_plain(part, text)

    def done(self, part: str, text: str = "ready") -> None:
        """The part has reached its aim."""
        with self._lock:
            now = self._clock()
            line = self._lines.setdefault(part, _Line(text, now))
            line.text, line.ended_at = text, now
            took_s = now - line.started_at
        if self._live is None:
            self._print_plain(part, f"{text} ({took_s:.1f} s)")

    def notice(self, text: str, style: str = "") -> None:
        """A line of its own that stays on the screen."""
        self._console.print(Text(text, style=style), soft_wrap=True)

    def _print_plain(self, part: str, text: str) -> None:
        self._console.print(Text(f"{part:<22} {text}"), soft_wrap=True)

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        with self._lock:
            now = self._clock()
            for part, line in self._lines.items():
                is_done = line.ended_at is not None
                mark = Text("✓", style="green") if is_done else self._spinner
                took = Text(f"{(line.ended_at or now) - line.started_at:5.1f} s", style="dim")
                text = Text(line.text, style="dim" if is_done else "", no_wrap=True, overflow="ellipsis")
                table.add_row(mark, Text(part), took, text)
        return table
