"""Feeds the fan-out: reads Kafka for it, and compares open streams with the database in case a message was lost."""

import asyncio
import contextlib
from itertools import islice

from fundline.contracts.topics import STATUS_UPDATED
from fundline.platform.database import Database
from fundline.platform.kafka.broadcast import BroadcastReader
from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.logs import get_log
from fundline.services.status_api import store
from fundline.services.status_api.fan_out import FanOut
from fundline.services.status_api.settings import Settings

_BATCH = 500
_JOIN_S = 5.0


class FanOutFeed:
    def __init__(self, database: Database, fan_out: FanOut, settings: Settings) -> None:
        self._database, self._fan_out, self._every_s = database, fan_out, settings.stream_catch_up_s
        self._reader = BroadcastReader(settings, STATUS_UPDATED, fan_out.receive)

    async def run(self, stop: asyncio.Event) -> None:
        """Raises RuntimeError when the reading thread has died: the process then starts afresh."""
        self._reader.start()
        try:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._every_s)
                if not self._reader.is_alive():
                    raise RuntimeError("the thread that reads status.updated for open streams has ended")
                await self._compare()
        finally:
            self._reader.stop()
            await asyncio.to_thread(self._reader.join, _JOIN_S)

    async def _compare(self) -> None:
        try:
            await self.catch_up()
        except Unavailable as away:
            get_log().warning("streams.not_compared", cause=str(away))

    async def catch_up(self) -> int:
        """Offer to every open stream what the database has and it has not; returns how many changes there were."""
        open_now = iter(self._fan_out.newest_of_open().items())
        found = 0
        while batch := dict(islice(open_now, _BATCH)):
            for change in await store.newer_of_many(self._database, batch):
                self._fan_out.publish(change)
                found += 1
        return found
