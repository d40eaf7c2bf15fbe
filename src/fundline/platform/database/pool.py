"""The pool of connections to the primary."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolAcquireContext, PoolConnectionProxy

from fundline.platform.clock import ProcessClock, utc_now
from fundline.platform.database.errors import translated
from fundline.platform.settings import DatabaseSettings

if TYPE_CHECKING:
    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]
else:  # the driver's class takes its row type in its stubs only
    Connection = PoolConnectionProxy
Row: TypeAlias = asyncpg.Record

_CLOCK = "select extract(epoch from clock_timestamp())::float8"
_READY_S = 0.5
_ACQUIRE_S = 2.0
"""Longest wait for a free connection: past that the process is overloaded and says so."""


class Database:
    """The pool. One transaction is one use case; nothing else is opened inside it."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with translated(), self._acquired() as connection, connection.transaction():
            yield connection

    def _acquired(self) -> "PoolAcquireContext[asyncpg.Record]":
        return self._pool.acquire(timeout=_ACQUIRE_S)

    async def fetchrow(self, sql: str, *arguments: Any) -> Row | None:
        """One statement, its own transaction."""
        async with translated(), self._acquired() as connection:
            return await connection.fetchrow(sql, *arguments)

    async def fetch(self, sql: str, *arguments: Any) -> list[Row]:
        async with translated(), self._acquired() as connection:
            return await connection.fetch(sql, *arguments)

    async def execute(self, sql: str, *arguments: Any) -> str:
        async with translated(), self._acquired() as connection:
            return await connection.execute(sql, *arguments)

    async def is_ready(self) -> bool:
        """True also when every connection is in use: the database answers, and more load elsewhere helps nobody."""
        is_exhausted = self._pool.get_idle_size() == 0 and self._pool.get_size() == self._pool.get_max_size()
        try:
            async with self._pool.acquire(timeout=_READY_S) as connection:
                return bool(await connection.fetchval("select 1", timeout=_READY_S) == 1)
        except TimeoutError:
            return is_exhausted
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            return False

    async def read_clock(self, clock: ProcessClock) -> None:
        """Set a clock by the database's. Raises DatabaseUnavailable."""
        async with translated(), self._acquired() as connection:
            asked_at_s = clock.steady_s()
            said_s = await connection.fetchval(_CLOCK)
            clock.follow(said_s, asked_at_s=asked_at_s, answered_at_s=clock.steady_s())

    def connections(self) -> dict[str, int]:
        size, idle = self._pool.get_size(), self._pool.get_idle_size()
        return {"used": size - idle, "idle": idle, "max": self._pool.get_max_size()}

    async def close(self) -> None:
        try:
            await asyncio.wait_for(self._pool.close(), timeout=5)
        except TimeoutError:
            self._pool.terminate()


async def _no_reset(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Nothing here sets session state, so there is nothing to reset: saves a round trip per statement."""


async def open_database(settings: DatabaseSettings) -> Database:
    """Open the pool, and set the process's clock by the database's. Raises DatabaseUnavailable."""
    async with translated():
        pool = await asyncpg.create_pool(
            settings.database_url,
            min_size=min(2, settings.database_pool_size),
            max_size=settings.database_pool_size,
            statement_cache_size=settings.database_statement_cache,
            command_timeout=settings.database_timeout_s,
            timeout=5.0,
            reset=_no_reset,
            server_settings={
                "application_name": settings.instance,
                "lock_timeout": str(settings.database_lock_timeout_ms),
                "idle_in_transaction_session_timeout": "10000",
                # Of a process that stands still between two messages of one statement: no other time-out sees it.
                "transaction_timeout": "30000",
                "jit": "off",
            },
        )
    database = Database(pool)
    await database.read_clock(utc_now)  # before anything asks what time it is
    return database
