"""Does to a running stack what the plan says, and undoes what does not undo itself."""

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
from confluent_kafka import Producer

from chaos.liveness_plan import Deed
from fundline.stack.running import Stack
from support.wrong_clock import wrong_clock

BUSY_LOOPS = 4


class Deeds:
    """`touched`: how often each instance was made to end. `planted`: keys of the poison messages."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.touched: dict[str, int] = {}
        self.planted: list[str] = []
        self.skipped: list[str] = []
        self._how: dict[str, Callable[[Deed], Awaitable[None]]] = {
            "pause": self._stand_still,
            "freeze": self._stand_still,
            "kill": self._kill,
            "terminate": self._terminate,
            "lock": self._lock,
            "fill": self._fill,
            "poison": self._poison,
            "clock": self._clock,
            "starve": self._starve,
        }

    async def do(self, deed: Deed) -> None:
        await asyncio.sleep(deed.at_s)
        for _ in range(deed.times):
            await self._how[deed.kind](deed)
            if deed.times > 1:
                await asyncio.sleep(deed.lasts_s)

    async def _stand_still(self, deed: Deed) -> None:
        if (pid := self._pid(deed.what)) is None:
            return
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(deed.lasts_s)
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    async def _kill(self, deed: Deed) -> None:
        self._end(deed.what, signal.SIGKILL)

    async def _terminate(self, deed: Deed) -> None:
        self._end(deed.what, signal.SIGTERM)

    async def _lock(self, deed: Deed) -> None:
        connection = await asyncpg.connect(self._stack.postgres.owner_url)
        try:
            async with connection.transaction():
                await connection.execute(f"lock table {deed.what} in access exclusive mode")
                await asyncio.sleep(deed.lasts_s)
        except (OSError, asyncpg.PostgresError):
            self.skipped.append(f"{deed} (the database was away)")
        finally:
            connection.terminate()

    async def _fill(self, deed: Deed) -> None:
        home = self._stack.home.root
        if not await asyncio.to_thread(os.path.ismount, home):
            self.skipped.append(f"{deed} (no file system of its own could be mounted)")
            return
        filler = home / "filler"
        try:
            await asyncio.to_thread(_fill, filler)
            await asyncio.sleep(deed.lasts_s)
        finally:
            filler.unlink(missing_ok=True)

    async def _poison(self, deed: Deed) -> None:
        key = str(uuid.uuid4())
        producer = Producer({"bootstrap.servers": self._stack.kafka.address, "message.timeout.ms": 30_000})
        headers = {"ce_specversion": "1.0", "fundline-not-before": deed.text, "ce_time": deed.text}
        producer.produce(deed.what, key=key, value=deed.text.encode(), headers=headers)
        if await asyncio.to_thread(producer.flush, 40) == 0:
            self.planted.append(key)
        else:
            self.skipped.append(f"{deed} (the broker did not take it)")

    async def _clock(self, deed: Deed) -> None:
        try:
            wrong = await asyncio.to_thread(wrong_clock, int(deed.text), self._stack.home.run)
        except RuntimeError as missing:
            self.skipped.append(f"{deed} ({missing})")
            return
        async with self._other_environment(deed.what, wrong):
            await asyncio.sleep(deed.lasts_s)

    async def _starve(self, deed: Deed) -> None:
        loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY_LOOPS)]
        try:
            await asyncio.sleep(deed.lasts_s)
        finally:
            for loop in loops:
                loop.kill()
                loop.wait(10)

    @asynccontextmanager
    async def _other_environment(self, instance: str, changes: dict[str, str]) -> AsyncIterator[None]:
        """The instance is started afresh with the changes, and afterwards once more without them."""
        entry = self._stack._supervisor._supervised[instance]
        before = entry.part
        spec = dataclasses.replace(before.spec, env={**before.spec.env, **changes})
        entry.part = dataclasses.replace(before, spec=spec)
        self._end(instance, signal.SIGTERM)
        try:
            yield
        finally:
            entry.part = before
            self._end(instance, signal.SIGTERM)

    def _end(self, instance: str, number: signal.Signals) -> None:
        if (pid := self._pid(instance)) is not None:
            self.touched[instance] = self.touched.get(instance, 0) + 1
            os.kill(pid, number)

    def _pid(self, instance: str) -> int | None:
        """None while it is being started again."""
        alive = [r.identity for r in self._stack.processes() if r.instance == instance and r.identity]
        return next((identity.pid for identity in alive if identity.is_alive()), None)


def _fill(filler: Path) -> None:
    """Until nothing is left: what is freed meanwhile is taken as well."""
    with filler.open("wb") as file:
        for step in (1 << 20, 1 << 12):
            with suppress(OSError):
                while True:
                    os.write(file.fileno(), b"\0" * step)
