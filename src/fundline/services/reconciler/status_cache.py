"""The status cache against the database: entries that lag behind, or are ahead of, what is committed are dropped.

The next reader refills a dropped entry from the primary. Only a sample is looked at, and that is enough: an entry
does not live long.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.cache import Cache, CacheUnavailable, version_of
from fundline.platform.database import Database
from fundline.records.audit_streams import application_stream
from fundline.records.cached import STATUS
from fundline.services.reconciler.findings import SOURCE, Finding, Trouble, Unchecked

CHANGED_LAST = """
select distinct application_id from application_status_history where occurred_at >= $1 limit $2
"""
FROM_A_PLACE = (
    "select application_id from applications where application_id >= $1 order by application_id limit $2"
)
FIRST = "select application_id from applications order by application_id limit 1"
SEQUENCES = (
    "select application_id, status_sequence, updated_at from applications where application_id = any($1)"
)
_BITS_BEHIND_THE_TIME = 80
"""Of a UUID of version 7, whose first 48 bits are milliseconds."""


class StatusCache:
    name = "status_cache"

    def __init__(
        self,
        database: Database,
        cache: Cache,
        *,
        cached_s: int,
        sample: int,
        grace_s: float,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._database, self._cache, self._sample, self._dice = database, cache, sample, dice
        self._life, self._grace = timedelta(seconds=cached_s), timedelta(seconds=grace_s)

    async def look(self, *, at: datetime, full: bool) -> list[Finding]:  # noqa: ARG002 - entries live too briefly for it
        try:
            cached: dict[UUID, int | None] = {}
            for key in await self._sampled(at):
                stored = await self._cache.get(STATUS.key(key))
                if stored is not None:
                    cached[key] = version_of(stored)
            # Read after the cache: an honest entry is never ahead of what is committed by now.
            rows = await self._database.fetch(SEQUENCES, list(cached))
            return [
                await self._drop(row, cached[row["application_id"]], at)
                for row in rows
                if self._is_stale(row, cached[row["application_id"]], at)
            ]
        except CacheUnavailable as away:
            raise Unchecked(f"The cache does not answer: {away}.") from away

    async def _sampled(self, at: datetime) -> set[UUID]:
        """What has changed within the life of an entry, and as many from a random place."""
        rows = await self._database.fetch(CHANGED_LAST, at - self._life, self._sample)
        first = await self._database.fetchrow(FIRST)
        if first is not None:
            begin = first["application_id"].int >> _BITS_BEHIND_THE_TIME
            end = max(int(at.timestamp() * 1000), begin)
            place = UUID(int=(begin + int(self._dice() * (end - begin))) << _BITS_BEHIND_THE_TIME)
            rows += await self._database.fetch(FROM_A_PLACE, place, self._sample)
        return {row["application_id"] for row in rows}

    def _is_stale(self, row: Any, version: int | None, at: datetime) -> bool:
        if version == row["status_sequence"]:
            return False
        is_on_its_way = version is not None and version < row["status_sequence"]
        return not (is_on_its_way and row["updated_at"] > at - self._grace)

    async def _drop(self, row: Any, version: int | None, at: datetime) -> Finding:
        application_id: UUID = row["application_id"]
        await self._cache.delete(STATUS.key(application_id))
        sentence = (
            f"The cache had status {version} of application {application_id}, "
            f"the database has {row['status_sequence']}."
        )
        details = {"cached": version, "committed": row["status_sequence"]}
        entry = AuditEntry(
            application_stream(application_id), SOURCE, "status.cache_dropped", at, sentence, details
        )
        async with self._database.transaction() as connection:
            await record(connection, entry)
        return Finding(Trouble.STATUS_STALE, str(application_id), sentence, is_repaired=True)
