import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from fundline.stack.keys import StackKeys
from fundline.stack.layout import StackHome
from support.ports import free_ports


class StartedEngine:
    """An engine's process in the hands of a test."""

    def __init__(self, engine):
        self.engine = engine
        self.process = None

    def start(self):
        spec = self.engine.spec()
        account = spec.identity()
        with spec.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                spec.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=spec.cwd,
                env=dict(spec.env),
                user=account.user,
                group=account.group,
                extra_groups=account.extra_groups,
                start_new_session=True,
            )
        deadline = time.monotonic() + self.engine.start_timeout_s
        while not self.engine.is_ready():
            assert self.process.poll() is None, spec.exit_sentence(self.engine.title, self.process.returncode)
            assert time.monotonic() < deadline, f"{self.engine.title} is not ready: {spec.last_log_line()}"
            time.sleep(0.02)
        self.engine.after_start(print)

    def kill(self):
        os.killpg(self.process.pid, 9)
        self.process.wait()

    def stop(self):
        self.engine.before_stop()
        self.process.send_signal(self.engine.spec().stop_signal)
        self.process.wait(self.engine.spec().stop_timeout_s)


@contextmanager
def started(engine):
    """Prepares and starts an engine; at the end nothing of it runs."""
    engine.prepare(print)
    handle = StartedEngine(engine)
    try:
        handle.start()
        yield handle
    finally:
        if handle.process is not None and handle.process.poll() is None:
            handle.kill()


@pytest.fixture
def start_engine():
    return started


@pytest.fixture
def home():
    with tempfile.TemporaryDirectory(prefix="fundline-engines-") as folder:
        # PostgreSQL's account must be able to pass.
        Path(folder).chmod(0o755)
        home = StackHome(Path(folder) / "home")
        StackKeys(home).create()
        yield home
        home.wipe()


@pytest.fixture
def ports():
    return free_ports()
