"""The one home of "do it again until the process stops": rests, wakes, survives what is away or busy, and beats.

What runs in a thread of its own turns by itself, and says why: this one belongs to the event loop.
"""

import asyncio
import contextlib

from fundline.platform.liveness import Heartbeat
from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.logs import get_log


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Until `stop`, at most `seconds`."""
    if seconds > 0:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


class Loop:
    """Background work in turns. A subclass writes `turn`; what is away or busy is told and tried again next turn.

    Anything else that a turn raises is a bug of ours: it ends the process, which is started afresh.
    """

    def __init__(self, name: str, *, every_s: float, limit_s: float = 30.0) -> None:
        """`every_s`: the rest between two turns. `limit_s`: the longest that one turn may take."""
        self.heartbeat = Heartbeat(name, limit_s)
        self._every_s = every_s
        self._woken = asyncio.Event()
        self._log = get_log()

    @property
    def heartbeats(self) -> tuple[Heartbeat, ...]:
        return (self.heartbeat,)

    async def turn(self) -> float | None:
        """One turn; returns how many seconds to rest: 0 when more work waits, None for the usual rest."""
        raise NotImplementedError

    def interrupted(self, away: Unavailable) -> None:
        """A turn met what is away or busy."""
        self._log.warning("loop.interrupted", loop=self.heartbeat.name, cause=str(away))

    async def ended(self) -> None:
        """After the last turn."""

    def wake(self) -> None:
        """There is work: the rest is over."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; the turn under way is finished."""
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self.wake())
        try:
            while not stop.is_set():
                self._woken.clear()
                self.heartbeat.beat()
                rest_s: float | None = None
                try:
                    rest_s = await self.turn()
                except Unavailable as away:
                    self.interrupted(away)
                await self._rest(self._every_s if rest_s is None else rest_s, stop)
        finally:
            stopping.cancel()
            try:
                await self.ended()
            finally:
                self.heartbeat.end()

    async def _rest(self, seconds: float, stop: asyncio.Event) -> None:
        self.heartbeat.beat(rest_s=seconds)
        if seconds <= 0:
            await asyncio.sleep(0)  # the others of this process get their turn too
        elif not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), seconds)
