"""The active relay also forgets what has served its time: handled event ids, keys, counts of submissions."""

from collections.abc import Callable

from fundline.platform.database import Database
from fundline.platform.loop import Loop
from fundline.services.event_router import store
from fundline.services.event_router.settings import Settings


class Housekeeping(Loop):
    def __init__(self, settings: Settings, database: Database, is_leading: Callable[[], bool]) -> None:
        super().__init__("housekeeping", every_s=settings.housekeeping_every_s, limit_s=60.0)
        self._settings, self._database, self._is_leading = settings, database, is_leading

    async def turn(self) -> None:
        if self._is_leading():
            await self.tidy()

    async def tidy(self) -> None:
        while inbox := await store.forget_inbox(self._database, self._settings.inbox_kept_days):
            self._log.info("housekeeping.inbox", forgotten=inbox)
            self.heartbeat.beat()
        while keys := await store.forget_idempotency_keys(
            self._database, self._settings.idempotency_kept_hours
        ):
            self._log.info("housekeeping.idempotency_keys", forgotten=keys)
            self.heartbeat.beat()
        while quotas := await store.forget_quotas(self._database, self._settings.quotas_kept_days):
            self._log.info("housekeeping.submission_quotas", forgotten=quotas)
            self.heartbeat.beat()
