"""One leader among several instances: a connection that holds an advisory lock.

The lock lives and dies with the connection, and the leader's transactions run on that same connection: who loses the
lock has lost its transaction too. A killed leader is followed as soon as the server sees the closed socket.
"""

from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from fundline.platform.database.pool import translated
from fundline.platform.settings import DatabaseSettings

if TYPE_CHECKING:
    LeaderConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    LeaderConnection = asyncpg.Connection


class Candidate:
    """An instance that would lead. Keeps one connection while it waits, so that waiting costs one query a try."""

    def __init__(self, settings: DatabaseSettings, lock_id: int) -> None:
        self._settings, self._lock_id = settings, lock_id
        self._connection: LeaderConnection | None = None

    async def try_to_lead(self) -> LeaderConnection | None:
        """None while another instance leads. Raises DatabaseUnavailable. Needs a session: never through a pooler."""
        async with translated():
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._connect()
            won = await self._connection.fetchval("select pg_try_advisory_lock($1)", self._lock_id)
        return self._connection if won else None

    def resign(self) -> None:
        """Drop the connection, and with it the lock and any open transaction."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _connect(self) -> LeaderConnection:
        return await asyncpg.connect(
            self._settings.database_url,
            timeout=5.0,
            command_timeout=15.0,
            statement_cache_size=self._settings.database_statement_cache,
            server_settings={
                "application_name": f"{self._settings.instance} candidate",
                "idle_in_transaction_session_timeout": "15000",
                "idle_session_timeout": "5000",  # a stopped leader loses the lock; a running one asks all the time
                "jit": "off",
            },
        )
