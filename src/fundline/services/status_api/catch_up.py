"""Feeds the fan-out: reads Kafka for it, and compares open streams with the database in case a message was lost."""

import asyncio
from itertools import islice

from fundline.contracts.topics import STATUS_UPDATED
from fundline.platform.database import Database
from fundline.platform.kafka.broadcast import BroadcastReader
from fundline.platform.liveness import Heartbeat
from fundline.platform.loop import Loop
from fundline.services.status_api import store
from fundline.services.status_api.fan_out import FanOut
from fundline.services.status_api.settings import Settings

_BATCH = 500
_JOIN_S = 5.0


class FanOutFeed(Loop):
    def __init__(self, database: Database, fan_out: FanOut, settings: Settings) -> None:
        super().__init__("stream-catch-up", every_s=settings.stream_catch_up_s)
        self._database, self._fan_out = database, fan_out
        self._reader = BroadcastReader(settings, STATUS_UPDATED, fan_out.receive)

    @property
    def heartbeats(self) -> tuple[Heartbeat, ...]:
        return (self.heartbeat, self._reader.heartbeat)

    async def run(self, stop: asyncio.Event) -> None:
        """Raises RuntimeError when the reading thread has died: the process then starts afresh."""
        self._reader.start()
        await super().run(stop)

    async def turn(self) -> None:
        if not self._reader.is_alive():
            raise RuntimeError("the thread that reads status.updated for open streams has ended")
        await self.catch_up()

    async def ended(self) -> None:
        self._reader.stop()
        await asyncio.to_thread(self._reader.join, _JOIN_S)

    async def catch_up(self) -> int:
        """Offer to every open stream what the database has and it has not; returns how many changes there were."""
        open_now = iter(self._fan_out.newest_of_open().items())
        found = 0
        while batch := dict(islice(open_now, _BATCH)):
            for change in await store.newer_of_many(self._database, batch):
                self._fan_out.publish(change)
                found += 1
        return found
