"""The database and the cache as the status service sees them, without a socket."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fundline.platform.cache import CacheUnavailable
from fundline.services.status_api import store

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


class FakeStatusDatabase:
    """Answers the status service's own statements from a dict. `gate` holds reads back; `reads` counts them."""

    def __init__(self) -> None:
        self.histories: dict[str, list[dict[str, Any]]] = {}
        self.tracking_ids: dict[str, str] = {}
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()

    def move(self, application_id: str, *statuses: str, owner: str = "alice") -> None:
        history = self.histories.setdefault(application_id, [])
        for status in statuses:
            history.append(
                {
                    "application_id": UUID(application_id),
                    "tracking_id": "FL-0000-0000-00000",
                    "user_id": owner,
                    "sequence": len(history) + 1,
                    "status": status,
                    "occurred_at": AT,
                    "metadata": "{}",
                }
            )

    async def fetchrow(self, sql: str, argument: Any) -> Any:
        if sql == store.APPLICATION_OF_TRACKING_ID:
            found = self.tracking_ids.get(argument)
            return None if found is None else {"application_id": found}
        assert sql == store.CURRENT_STATUS
        await self._read()
        history = self.histories.get(str(argument))
        return history[-1] if history else None

    async def fetch(self, sql: str, first: Any, second: Any) -> list[dict[str, Any]]:
        await self._read()
        if sql == store.NEWER_OF_MANY:
            wanted = zip(first, second, strict=True)
            return [row for key, newest in wanted for row in self._after(str(key), newest + 1)]
        assert sql == store.HISTORY
        return self._after(str(first), second)

    def _after(self, application_id: str, first: int) -> list[dict[str, Any]]:
        return [row for row in self.histories.get(application_id, []) if row["sequence"] >= first]

    async def _read(self) -> None:
        self.reads += 1
        await self.gate.wait()


class ForgetfulCache:
    """Has only what a test put in; remembers what it was asked to write; `is_away` makes it unavailable."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.writes: list[tuple[str, int, bytes]] = []
        self.is_away = False

    async def get(self, key: str) -> bytes | None:
        if self.is_away:
            raise CacheUnavailable("away")
        return self.stored.get(key)

    async def delete(self, key: str) -> None:
        self.stored.pop(key, None)

    async def put_if_newer(
        self, key: str, *, sequence: int, value: bytes, ttl_s: int, only_existing: bool = False
    ) -> bool:
        if self.is_away:
            raise CacheUnavailable("away")
        self.writes.append((key, sequence, value))
        return True
