"""The active relay also forgets what has served its time: handled event ids and idempotency keys."""

import asyncio
import contextlib
from collections.abc import Callable

from fundline.platform.database import Database
from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.logs import get_log
from fundline.services.event_router import store
from fundline.services.event_router.settings import Settings


class Housekeeping:
    def __init__(self, settings: Settings, database: Database, is_leading: Callable[[], bool]) -> None:
        self._settings, self._database, self._is_leading = settings, database, is_leading
        self._log = get_log()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if self._is_leading():
                with contextlib.suppress(Unavailable):
                    await self.tidy()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._settings.housekeeping_every_s)

    async def tidy(self) -> None:
        while inbox := await store.forget_inbox(self._database, self._settings.inbox_kept_days):
            self._log.info("housekeeping.inbox", forgotten=inbox)
        while keys := await store.forget_idempotency_keys(
            self._database, self._settings.idempotency_kept_hours
        ):
            self._log.info("housekeeping.idempotency_keys", forgotten=keys)
