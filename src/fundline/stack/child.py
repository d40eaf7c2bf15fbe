"""One started program: its own session and group, its log, and a way to stop it."""

import os
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from fundline.platform.command_errors import CommandFailed
from fundline.stack.process_spec import ProcessSpec
from fundline.stack.room import limit_log
from fundline.stack.state import HOME_MARK, ProcessIdentity


class Child:
    """A running program. Invariant: its group is killed before it is reaped, so no other group can be hit."""

    def __init__(
        self, spec: ProcessSpec, popen: "subprocess.Popen[bytes]", identity: ProcessIdentity, *, has_log: bool
    ) -> None:
        self.spec = spec
        self.identity = identity
        self.has_log = has_log
        """False: its log could not be opened, so what it says is lost."""
        self._popen = popen
        self._reaping = threading.Lock()

    @classmethod
    def spawn(cls, spec: ProcessSpec, home: Path) -> "Child":
        """Start the program, without a log if there can be none. Raises CommandFailed when the system cannot."""
        for log_file in spec.log_files():
            limit_log(log_file)
        account = spec.identity()
        log, has_log = _open_log(spec.log_file)
        try:
            popen = subprocess.Popen(
                spec.argv,
                cwd=spec.cwd,
                env={**spec.env, HOME_MARK: str(home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=account.user,
                group=account.group,
                extra_groups=account.extra_groups,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise CommandFailed(
                f"{spec.name} could not be started ({error}); check that {spec.argv[0]} can be run."
            ) from error
        finally:
            log.close()
        identity = ProcessIdentity.of(popen.pid) or ProcessIdentity(popen.pid, 0.0)
        return cls(spec, popen, identity, has_log=has_log)

    @property
    def pid(self) -> int:
        return self.identity.pid

    def exit_code(self) -> int | None:
        """None while it runs; afterwards its exit code (minus the signal's number when it was killed)."""
        with self._reaping:
            if self._popen.returncode is None and self._has_ended():
                self._kill_group()
                self._popen.wait()
            return self._popen.returncode

    def ask_to_stop(self) -> None:
        """Send its stop signal, to the program only: its children read the same signal differently."""
        if self.exit_code() is None:
            self._popen.send_signal(self.spec.stop_signal)

    def kill(self) -> None:
        """SIGKILL to the program alone; what it leaves behind is collected when its end is noticed."""
        if self.exit_code() is None:
            self._popen.kill()

    def kill_group(self) -> None:
        """SIGKILL to the program and everything it started."""
        if self.exit_code() is None:
            self._kill_group()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _has_ended(self) -> bool:
        """Whether it waits to be reaped. Looks without reaping, so that its group id stays ours."""
        try:
            ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return True
        return ended is not None


def _open_log(log_file: Path) -> tuple[BinaryIO, bool]:
    """The log to append to; what swallows everything, and False, when it cannot be opened."""
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        return log_file.open("ab"), True
    except OSError:
        return Path(os.devnull).open("ab"), False
