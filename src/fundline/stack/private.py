"""A stack of its own for a demo or a test: a temporary home gone at its end, or when the next starts."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fundline.stack.layout import StackHome
from fundline.stack.state import StateFile, is_locked, stop_leftovers

PRIVATE_PREFIX = "fundline-private-"
KEEP_FILE = "keep"
WIPE_ATTEMPTS, WIPE_AGAIN_S = 20, 0.25


@contextmanager
def private_home(*, keep: bool = False) -> Iterator[StackHome]:
    """A new folder, wiped at the end unless kept. What killed runs left is stopped and wiped first."""
    sweep_private_homes()
    root = Path(tempfile.mkdtemp(prefix=PRIVATE_PREFIX))
    root.chmod(0o755)  # PostgreSQL's unprivileged account must pass through; keys/ stays closed
    home = StackHome(root)
    if keep:
        (root / KEEP_FILE).touch()
    try:
        yield home
    finally:
        if not keep:
            _wipe_whatever_is_still_written(home)


def _wipe_whatever_is_still_written(home: StackHome) -> None:
    """A start that was interrupted leaves steps that write for a moment longer, such as initdb."""
    for _ in range(WIPE_ATTEMPTS - 1):
        with suppress(OSError):
            home.wipe()
            return
        time.sleep(WIPE_AGAIN_S)
    home.wipe()


def sweep_private_homes() -> int:
    """Stop and wipe the private stacks of runners that were killed. Returns how many there were."""
    swept = 0
    for root in Path(tempfile.gettempdir()).glob(f"{PRIVATE_PREFIX}*"):
        # another start sweeps at the same moment, or something else holds the folder: no reason not to start
        with suppress(OSError):
            swept += _sweep(root)
    return swept


def _sweep(root: Path) -> bool:
    """False when its runner is alive, or it is not ours."""
    home = StackHome(root)
    state = StateFile(home.run).load()
    if state is None or root.stat().st_uid != os.getuid() or is_locked(home.run):
        return False
    stop_leftovers(state, root, lambda _line: None)
    StateFile(home.run).remove()
    if not (root / KEEP_FILE).exists():
        home.wipe()
    return True
