"""Brings a stack up for as long as a block runs, and `fundline up`: one in the foreground until Ctrl-C."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

import psutil
from rich.console import Console

from fundline.stack.fleet import FLEET, Process
from fundline.stack.layout import Ports, StackHome
from fundline.stack.progress import Progress
from fundline.stack.running import Stack
from fundline.stack.state import runner_lock
from fundline.stack.table import print_stack

INTERRUPTED_EXIT = 130


@contextmanager
def running_stack(
    home: StackHome,
    ports: Ports,
    *,
    fleet: Sequence[Process] = FLEET,
    progress: Progress | None = None,
    stopping: threading.Event | None = None,
) -> Iterator[Stack]:
    """A healthy stack inside the block, stopped at its end. Raises CommandFailed when it cannot be brought up.

    `stopping` interrupts the bringing up. Only one runner per home at a time.
    """
    progress = progress or Progress(Console(stderr=True, quiet=True))
    with _stopped_at_the_end(home, ports, fleet, progress, stopping) as stack:
        with progress:
            stack.bring_up()
        yield stack


def up(home: StackHome, ports: Ports, console: Console, *, private: bool = False) -> int:
    """Bring the default fleet up, show it, stay until Ctrl-C or SIGTERM. Returns the exit status.

    A second signal kills instead of draining.
    """
    progress = Progress(console)
    with (
        _preparations_end_too(),
        _interrupts() as asked,
        _stopped_at_the_end(home, ports, FLEET, progress, asked.stopping) as stack,
    ):
        asked.force = stack.force
        with progress:
            stack.bring_up()
        print_stack(stack, console)
        while not asked.stopping.wait(1.0):
            pass
        console.print("\nDraining and stopping; Ctrl-C again kills at once.")
    kept = "" if private else " Your data are kept; `make up` continues with them, `make reset` wipes them."
    console.print(f"Stopped.{kept}")
    return INTERRUPTED_EXIT if asked.times > 1 else 0


@contextmanager
def _preparations_end_too() -> Iterator[None]:
    """A start that fails or is interrupted must not leave a download or an initdb running behind it."""
    try:
        yield
    finally:
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                child.terminate()


@contextmanager
def _stopped_at_the_end(
    home: StackHome,
    ports: Ports,
    fleet: Sequence[Process],
    progress: Progress,
    stopping: threading.Event | None,
) -> Iterator[Stack]:
    home.create()
    with runner_lock(home.run):
        stack = Stack(home, ports, fleet, progress, stopping=stopping)
        try:
            yield stack
        finally:
            stack.shut_down()


@dataclass(slots=True)
class _Asked:
    """What the person has asked for by signals."""

    stopping: threading.Event = field(default_factory=threading.Event)
    force: Callable[[], None] = lambda: None
    times: int = 0


@contextmanager
def _interrupts() -> Iterator[_Asked]:
    """Signals set `stopping`; from the second on they call `force`."""
    asked = _Asked()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        asked.times += 1
        asked.stopping.set()
        if asked.times > 1:
            asked.force()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
