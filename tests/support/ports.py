"""Ports for one test process: several run at once, and none may take what another has just found free."""

import fcntl
import os
import tempfile
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import IO

from fundline.platform.command_errors import CommandFailed
from fundline.stack.layout import PRIVATE_PORTS, Ports, is_port_free

_SHARES = 12
"""How many processes may run tests on one machine; a share holds several private stacks."""
_SINGLE_PORTS = range(PRIVATE_PORTS.stop, 32_768)
"""Below the range from which Linux takes the ports of outgoing connections."""
_held: list[IO[str]] = []
"""Locks, held until the process ends."""


def free_ports() -> Ports:
    """The ports of a private stack."""
    return Ports.free(within=_part_of(PRIVATE_PORTS, _share(os.getpid())))


def free_port() -> int:
    """One port, each time another."""
    own, numbers = _singles(os.getpid())
    for _ in own:
        if is_port_free(port := next(numbers)):
            return port
    raise CommandFailed(f"No port is free between {own.start} and {own.stop}.")


@cache
def _singles(pid: int) -> tuple[range, "cycle[int]"]:
    own = _part_of(_SINGLE_PORTS, _share(pid))
    return own, cycle(own)


def _part_of(ports: range, share: int) -> range:
    length = len(ports) // _SHARES
    return ports[share * length : (share + 1) * length]


@cache
def _share(_pid: int) -> int:
    """The first share that no other process holds; a forked process takes its own."""
    folder = Path(tempfile.gettempdir()) / f"fundline-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for number in range(_SHARES):
        lock = (folder / str(number)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
        else:
            _held.append(lock)
            return number
    raise CommandFailed(f"{_SHARES} processes run tests on this machine already.")
