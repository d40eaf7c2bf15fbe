"""What the supervisor needs to know about a program, and what it asks of an engine."""

import grp
import os
import pwd
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Report = Callable[[str], None]
"""Takes one short line of progress, for people."""


@dataclass(frozen=True)
class Identity:
    """The account a child process runs as; `None` everywhere means the caller's own."""

    user: int | None = None
    group: int | None = None
    extra_groups: tuple[int, ...] | None = None


@dataclass(frozen=True)
class ProcessSpec:
    """One program to start.

    Start it in its own session (the engines' children then share its process group) and send `stop_signal`
    to the program itself, not to its group: PostgreSQL's children read the same signal differently.
    `env` is the program's whole environment, nothing is inherited.
    """

    name: str
    argv: tuple[str, ...]
    log_file: Path
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: int = signal.SIGTERM
    stop_timeout_s: float = 25.0
    more_logs: tuple[Path, ...] = ()
    """Files that the program itself appends to, and that are to be limited like its log."""

    def log_files(self) -> tuple[Path, ...]:
        return (self.log_file, *self.more_logs)

    def identity(self) -> Identity:
        """The numeric account for `subprocess.Popen(user=, group=, extra_groups=)`."""
        return identity_of(self.user)

    def last_log_line(self) -> str:
        """The last line the program wrote, at most 300 characters; empty when it wrote none."""
        return last_line(self.log_file)

    def exit_sentence(self, title: str, exit_code: int) -> str:
        """What to tell people when the program ended although it should run."""
        said = self.last_log_line() or "it wrote nothing"
        return f"{title} stopped with exit code {exit_code}: {said} (whole log: {self.log_file})"


class Engine(Protocol):
    """A program of others that Fundline runs on: database, cache, broker, gateway.

    The order is `prepare`, start of `spec()`, wait for `is_ready`, `after_start`; and `before_stop` before
    the stop signal. Each may be called from a thread of its own, and again.
    """

    @property
    def name(self) -> str:
        """Fleet name, also the log's name: `postgres`, `valkey`, `kafka`, `gateway`."""

    @property
    def title(self) -> str:
        """Name for people, such as `Apache Kafka`."""

    @property
    def address(self) -> str:
        """Where clients reach it: host:port or a URL."""

    @property
    def start_timeout_s(self) -> float:
        """How long a start may take before it counts as failed."""

    def prepare(self, report: Report) -> None:
        """Download and initialise what is missing. Blocks. Raises CommandFailed."""

    def spec(self) -> ProcessSpec:
        """The command line; call `prepare` first."""

    def is_ready(self) -> bool:
        """Whether it answers now. Blocks for a second at most."""

    def after_start(self, report: Report) -> None:
        """What needs the running engine: roles, databases. Blocks. Raises CommandFailed."""

    def before_stop(self) -> None:
        """Lets work in flight finish before the stop signal. Blocks for a few seconds at most."""


def identity_of(user: str | None) -> Identity:
    """Looks an account up; with no name, or when not started by root, the caller stays who it is."""
    if user is None or os.geteuid() != 0:
        return Identity()
    account = pwd.getpwnam(user)
    groups = tuple(g.gr_gid for g in grp.getgrall() if user in g.gr_mem)
    return Identity(account.pw_uid, account.pw_gid, groups)


def last_line(log_file: Path, limit_bytes: int = 8192) -> str:
    """The last line that is not empty, at most 300 characters; empty when there is none."""
    try:
        with log_file.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - limit_bytes))
            tail = log.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
