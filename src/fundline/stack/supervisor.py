"""Keeps the stack's processes running: starts them, restarts the crashed with backoff, stops all in order."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fundline.platform.command_errors import CommandFailed
from fundline.stack.child import Child
from fundline.stack.process_spec import ProcessSpec
from fundline.stack.room import limit_log
from fundline.stack.state import Kind, ProcessRecord

LOOK_EVERY_S = 0.1
LOG_CHECK_EVERY_S = 10.0
HEALTH_EVERY_S = 0.5
CRASHES_BEFORE_READY_LIMIT = 3
AFTER_KILL_S = 15.0
"""For `before_stop`, and for the kernel to end what was killed."""

Say = Callable[[str, str], None]
"""Takes the instance and one line about it, for people."""


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How long a crashed process waits: the delay doubles, and starts again after a healthy while."""

    first_delay_s: float = 0.2
    longest_delay_s: float = 10.0
    healthy_after_s: float = 30.0

    def delay_s(self, crashes_in_a_row: int) -> float:
        doublings = min(crashes_in_a_row - 1, 30)
        return float(min(self.first_delay_s * 2**doublings, self.longest_delay_s))


@dataclass(frozen=True, slots=True)
class Part:
    """One instance of an engine or a service, as the supervisor sees it."""

    process: str
    instance: str
    kind: Kind
    title: str
    spec: ProcessSpec
    is_ready: Callable[[], bool]
    address: str
    health: str
    start_timeout_s: float
    before_stop: Callable[[], None] = lambda: None


@dataclass(slots=True)
class _Supervised:
    part: Part
    child: Child | None = None
    started_at: float = 0.0
    """Monotonic seconds."""
    started_at_s: float = 0.0
    """Unix seconds, for people."""
    restarts: int = 0
    crashes_in_a_row: int = 0
    restart_at: float | None = None
    last_exit: str = ""
    asked_at: float | None = None
    """Monotonic seconds of the last look at a restarted child's health; None: it needs no looking at."""
    stopping: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


class Supervisor:
    """Owns every child process of one stack. All methods may be called from any thread."""

    def __init__(
        self, home: Path, say: Say, changed: Callable[[], None], policy: RestartPolicy | None = None
    ) -> None:
        self._home = home
        self._say = say
        self._changed = changed
        self._policy = policy or RestartPolicy()
        self._supervised: dict[str, _Supervised] = {}
        self._closed = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._watcher.start()

    def start(self, part: Part) -> None:
        """Start a part and keep it running from now on."""
        entry = _Supervised(part)
        with entry.lock:
            self._supervised[part.instance] = entry
            self._spawn(entry)
        self._changed()

    def wait_ready(self, instance: str) -> None:
        """Block until the part answers. Raises CommandFailed when it keeps crashing or takes too long."""
        entry = self._supervised[instance]
        part = entry.part
        deadline = time.monotonic() + part.start_timeout_s
        while not (entry.child is not None and part.is_ready()):
            if self._closed.is_set():
                raise CommandFailed("The stack was stopped while it was starting.")
            if entry.crashes_in_a_row >= CRASHES_BEFORE_READY_LIMIT:
                raise CommandFailed(entry.last_exit)
            if time.monotonic() > deadline:
                said = part.spec.last_log_line() or "it wrote nothing"
                raise CommandFailed(
                    f"{part.title} ({instance}) did not become healthy within {part.start_timeout_s:.0f} s: "
                    f"{said} (whole log: {part.spec.log_file})"
                )
            time.sleep(LOOK_EVERY_S / 2)

    def kill(self, instance: str) -> int:
        """Kill a running part with SIGKILL, as a crash would; it is restarted. Returns the pid killed."""
        entry = self._supervised.get(instance)
        if entry is None or entry.child is None or entry.child.exit_code() is not None:
            raise CommandFailed(f"{instance} is not running now; `fundline status` lists what is.")
        pid = entry.child.pid
        entry.child.kill()
        return pid

    def records(self) -> tuple[ProcessRecord, ...]:
        """What runs now, in the order of starting."""
        return tuple(_record(entry) for entry in list(self._supervised.values()))

    def stop(self, instances: Sequence[str]) -> None:
        """Drain and stop these parts side by side; those that outlast their time are killed."""
        entries = [self._supervised[name] for name in instances if name in self._supervised]
        threads = [threading.Thread(target=self._stop_one, args=(entry,), daemon=True) for entry in entries]
        for thread in threads:
            thread.start()
        limit_s = max((entry.part.spec.stop_timeout_s for entry in entries), default=0.0) + AFTER_KILL_S
        for thread in threads:
            thread.join(limit_s)
        self._changed()

    def kill_all(self) -> None:
        """Kill every group at once: the second Ctrl-C."""
        self._closed.set()
        for entry in list(self._supervised.values()):
            entry.stopping = True
            if entry.child is not None and entry.child.exit_code() is None:
                entry.child.kill_group()

    def close(self) -> None:
        """No more starts or restarts; call it before stopping everything."""
        self._closed.set()
        self._watcher.join(timeout=5)

    def _spawn(self, entry: _Supervised) -> None:
        if self._closed.is_set():
            raise CommandFailed("The stack was stopped while it was starting.")
        entry.child = Child.spawn(entry.part.spec, self._home)
        entry.started_at = time.monotonic()
        entry.started_at_s = time.time()
        entry.restart_at = None
        if not entry.child.has_log:
            self._say(
                entry.part.instance, f"runs without its log: {entry.part.spec.log_file} cannot be opened"
            )

    def _stop_one(self, entry: _Supervised) -> None:
        with entry.lock:
            entry.stopping = True
            child = entry.child
        if child is None or child.exit_code() is not None:
            return
        # A gateway that no longer answers its drain request is stopped all the same.
        with suppress(Exception):
            entry.part.before_stop()
        child.ask_to_stop()
        deadline = time.monotonic() + entry.part.spec.stop_timeout_s
        while child.exit_code() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if child.exit_code() is None:
            limit_s = entry.part.spec.stop_timeout_s
            self._say(entry.part.instance, f"did not stop within {limit_s:.0f} s and was killed")
            child.kill_group()
            while child.exit_code() is None:
                time.sleep(0.02)

    def _watch(self) -> None:
        logs_checked_at = time.monotonic()
        while not self._closed.wait(LOOK_EVERY_S):
            for entry in list(self._supervised.values()):
                if entry.lock.acquire(blocking=False):
                    try:
                        self._look_after(entry)
                    except Exception as error:  # whatever is wrong with one part, the others are looked after
                        with suppress(Exception):
                            self._say(entry.part.instance, f"was not looked after: {error}")
                    finally:
                        entry.lock.release()
            if time.monotonic() - logs_checked_at > LOG_CHECK_EVERY_S:
                logs_checked_at = time.monotonic()
                for entry in list(self._supervised.values()):
                    for log_file in entry.part.spec.log_files():
                        limit_log(log_file)

    def _look_after(self, entry: _Supervised) -> None:
        if entry.stopping:
            return
        if entry.restart_at is not None:
            if time.monotonic() >= entry.restart_at:
                self._restart(entry)
            return
        exit_code = entry.child.exit_code() if entry.child else None
        if exit_code is not None:
            self._note_crash(entry, exit_code)
        elif entry.asked_at is not None and time.monotonic() - entry.asked_at > HEALTH_EVERY_S:
            self._note_recovery(entry)

    def _note_recovery(self, entry: _Supervised) -> None:
        entry.asked_at = time.monotonic()
        if entry.part.is_ready():
            entry.asked_at = None
            self._say(entry.part.instance, f"healthy again after {time.monotonic() - entry.started_at:.1f} s")

    def _note_crash(self, entry: _Supervised, exit_code: int) -> None:
        part = entry.part
        if time.monotonic() - entry.started_at >= self._policy.healthy_after_s:
            entry.crashes_in_a_row = 0
        entry.crashes_in_a_row += 1
        delay_s = self._policy.delay_s(entry.crashes_in_a_row)
        entry.child = None
        entry.restart_at = time.monotonic() + delay_s
        entry.last_exit = part.spec.exit_sentence(part.title, exit_code)
        how = f"was killed by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
        self._say(part.instance, f"{how}; restart {entry.restarts + 1} in {delay_s:.1f} s")
        self._changed()

    def _restart(self, entry: _Supervised) -> None:
        entry.restarts += 1
        try:
            self._spawn(entry)
            entry.asked_at = time.monotonic()
        except Exception as error:  # a CommandFailed says it best; whatever it is, it is tried again
            entry.crashes_in_a_row += 1
            entry.restart_at = time.monotonic() + self._policy.delay_s(entry.crashes_in_a_row)
            self._say(entry.part.instance, str(error))
        self._changed()


def _record(entry: _Supervised) -> ProcessRecord:
    part, child = entry.part, entry.child
    return ProcessRecord(
        process=part.process,
        instance=part.instance,
        kind=part.kind,
        identity=child.identity if child else None,
        started_at_s=entry.started_at_s,
        restarts=entry.restarts,
        address=part.address,
        health=part.health,
        log_file=str(part.spec.log_file),
        stop_signal=int(part.spec.stop_signal),
    )
