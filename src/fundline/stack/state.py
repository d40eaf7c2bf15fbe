"""What is running on this machine: `run/state.json`, written by the one runner that holds `run/runner.lock`.

Invariant: a process is only ever signalled when its pid *and* its start time are those that were recorded,
because the system gives a pid to a stranger as soon as its owner is gone.
"""

import fcntl
import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import psutil

from fundline.platform.command_errors import CommandFailed

Kind = Literal["engine", "service"]
Phase = Literal["starting", "running", "stopping"]
START_TIME_TOLERANCE_S = 0.05
"""psutil computes a start time from ticks of 10 ms: one process read twice differs by less than this."""
LEFTOVER_TIMEOUT_S = 15.0
HOME_MARK = "FUNDLINE_STACK_HOME"
"""In the environment of every process that a runner starts: finds what was not recorded yet."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process that cannot be mistaken for a later one with the same pid."""

    pid: int
    created_at_s: float

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity | None":
        """The identity of a living process; None when it is gone or only waits to be reaped."""
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return cls(pid, process.create_time())
        except psutil.Error:
            return None

    def is_alive(self) -> bool:
        current = ProcessIdentity.of(self.pid)
        return current is not None and abs(current.created_at_s - self.created_at_s) < START_TIME_TOLERANCE_S


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """One supervised process as other commands see it. `health` is an http:// or tcp:// address to ask."""

    process: str
    instance: str
    kind: Kind
    identity: ProcessIdentity | None
    started_at_s: float
    restarts: int
    address: str
    health: str
    log_file: str
    stop_signal: int = signal.SIGTERM


@dataclass(frozen=True, slots=True)
class StackState:
    runner: ProcessIdentity
    phase: Phase
    gateway_url: str
    processes: tuple[ProcessRecord, ...] = ()

    def runner_is_alive(self) -> bool:
        return self.runner.is_alive()


class StateFile:
    """Reads and replaces `state.json`; a reader never sees half a file."""

    def __init__(self, run_dir: Path) -> None:
        self.path = run_dir / "state.json"

    def load(self) -> StackState | None:
        """The recorded state, or None when nothing is recorded or the file cannot be understood."""
        try:
            return _state_from_json(json.loads(self.path.read_text()))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, state: StackState) -> None:
        temporary = self.path.with_suffix(".json.new")
        temporary.write_text(json.dumps(asdict(state), indent=1))
        temporary.replace(self.path)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


@contextmanager
def runner_lock(run_dir: Path) -> Iterator[None]:
    """Held for the life of a runner; the kernel releases it even after kill -9."""
    run_dir.mkdir(parents=True, exist_ok=True)
    with (run_dir / "runner.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandFailed(already_running(StateFile(run_dir).load())) from None
        yield


def is_locked(run_dir: Path) -> bool:
    """Whether a runner lives in this home."""
    try:
        with runner_lock(run_dir):
            return False
    except CommandFailed:
        return True


def already_running(state: StackState | None) -> str:
    if state is None or not state.runner.is_alive():  # what is written there is an earlier runner's
        return "Fundline is being started by another command in this folder; wait for it, or stop it first."
    where = f" at {state.gateway_url}" if state.gateway_url else ""
    pid = f" (pid {state.runner.pid})"
    return f"Fundline is already running{where}{pid}; stop it with `fundline down` before you start it again."


def stop_leftovers(state: StackState | None, home: Path, say: Callable[[str], None]) -> int:
    """Stop what a killed runner left behind: services first, engines last. Returns how many were found."""
    alive = [r for r in (state.processes if state else ()) if r.identity and r.identity.is_alive()]
    signals = {record.identity.pid: record.stop_signal for record in alive if record.identity}
    services = [record.identity for record in alive if record.kind == "service" and record.identity]
    engines = [record.identity for record in alive if record.kind == "engine" and record.identity]
    services += [identity for identity in _marked_with(home) if identity.pid not in signals]
    found = len(services) + len(engines)
    if found:
        say(f"stopping {found} processes that an earlier run left behind")
    for group in (services, engines):
        stop_identities(group, signals)
    return found


def stop_identities(identities: Sequence[ProcessIdentity], signals: Mapping[int, int]) -> None:
    """Ask each process to stop, wait, then kill what is left of it and of its children."""
    asked: list[psutil.Process] = []
    family: list[psutil.Process] = []
    for identity in identities:
        with suppress(psutil.Error):
            if identity.is_alive():
                process = psutil.Process(identity.pid)
                family += process.children(recursive=True)
                process.send_signal(signals.get(identity.pid, signal.SIGTERM))
                asked.append(process)
    psutil.wait_procs(asked, timeout=LEFTOVER_TIMEOUT_S)
    _, stubborn = psutil.wait_procs([*asked, *family], timeout=0.5)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()  # psutil compares the start time itself before it signals
    psutil.wait_procs(stubborn, timeout=LEFTOVER_TIMEOUT_S)


def _marked_with(home: Path) -> list[ProcessIdentity]:
    """Session leaders that carry this home's mark: a runner killed between start and record leaves these."""
    found: list[ProcessIdentity] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid == os.getsid(process.pid) and process.environ().get(HOME_MARK) == str(home):
                identity = ProcessIdentity.of(process.pid)
                if identity is not None:
                    found.append(identity)
    return found


def _state_from_json(document: dict[str, Any]) -> StackState:
    return StackState(
        runner=ProcessIdentity(**document["runner"]),
        phase=document["phase"],
        gateway_url=document["gateway_url"],
        processes=tuple(
            replace(
                ProcessRecord(**entry),
                identity=ProcessIdentity(**entry["identity"]) if entry["identity"] else None,
            )
            for entry in document["processes"]
        ),
    )
