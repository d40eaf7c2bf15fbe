"""The cache as callers see it: reads over the pipelining connection, writes through redis-py."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from fundline.platform.cache.entries import VERSION_BYTES, versioned
from fundline.platform.cache.link import CacheUnavailable
from fundline.platform.cache.pipeline import CacheAddress, PipelinedClient
from fundline.platform.settings import CacheSettings

_WRITERS = 16

PUT_IF_NEWER = f"""
local stored = redis.pcall('GETRANGE', KEYS[1], 0, {VERSION_BYTES - 1})
if type(stored) == 'table' then -- somebody has made it a list or a hash
    redis.call('UNLINK', KEYS[1])
    stored = ''
end
if stored == '' then
    if ARGV[4] == '1' then return 0 end
else
    local newest = tonumber(stored)
    if newest and newest >= tonumber(ARGV[1]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


class Cache:
    """Methods raise CacheUnavailable: after the timeout, or at once when the cache is known to be away."""

    def __init__(self, reader: PipelinedClient, writer: Redis, *, timeout_s: float) -> None:
        self._reader, self._writer, self._timeout_s = reader, writer, timeout_s
        self._put_if_newer = writer.register_script(
            PUT_IF_NEWER
        )  # EVALSHA; loads the script when it is not there
        self.get = reader.get

    async def put(self, key: str, value: bytes, *, ttl_s: int) -> None:
        async with self._writing():
            await self._writer.set(key, value, ex=ttl_s)

    async def put_if_newer(
        self, key: str, *, sequence: int, value: bytes, ttl_s: int, only_existing: bool = False
    ) -> bool:
        """Store the value with its sequence unless the stored one is as new or newer. True when it was stored.

        `only_existing`: replace an older value, but do not begin one. For news that may have been overtaken while
        the key had expired and nothing was there to compare with.
        """
        async with self._writing():
            arguments: list[int | bytes] = [sequence, versioned(sequence, value), ttl_s, int(only_existing)]
            return bool(await self._put_if_newer(keys=[key], args=arguments))

    async def delete(self, key: str) -> None:
        async with self._writing():
            await self._writer.delete(key)

    async def is_ready(self) -> bool:
        return self._reader.is_connected

    async def close(self) -> None:
        await self._reader.close()
        await self._writer.aclose()

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        if not self._reader.is_connected:
            raise CacheUnavailable("there is no connection to the cache")
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except (RedisError, OSError, TimeoutError) as error:
            self._reader.probe()
            raise CacheUnavailable(
                f"the cache did not take a write ({type(error).__name__}: {error})"
            ) from error


async def open_cache(settings: CacheSettings) -> Cache:
    """Connect in the background and for good; a cache that is away keeps no process from starting."""
    timeout_s = settings.cache_timeout_ms / 1000
    reader = PipelinedClient(CacheAddress.of(settings.cache_url), timeout_s=timeout_s)
    pool = BlockingConnectionPool.from_url(
        settings.cache_url,
        max_connections=_WRITERS,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),  # the caller has the database to turn to
        protocol=2,
    )
    await reader.start()
    return Cache(reader, Redis(connection_pool=pool), timeout_s=timeout_s)
