"""A cache server of one test's own, which may be killed, frozen and started again."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

from fundline.stack.engines.valkey import ValkeyServer
from fundline.stack.layout import StackHome
from support.ports import free_ports


class OwnValkey:
    def __init__(self, folder: Path) -> None:
        home = StackHome(folder).create()
        self._server = ValkeyServer(home, free_ports())
        self._server.prepare(lambda _text: None)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = self._server.url

    async def start(self) -> None:
        spec = self._server.spec()
        self._process = subprocess.Popen(
            spec.argv, cwd=spec.cwd, env=dict(spec.env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        async with asyncio.timeout(20):
            while not await asyncio.to_thread(self._server.is_ready):
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It keeps its connections, accepts new ones, and answers nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)
