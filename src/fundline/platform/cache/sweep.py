"""Dropping every value of one kind: for commands, not for requests; it walks over all keys of the cache."""

from redis.asyncio import Redis
from redis.exceptions import RedisError

from fundline.platform.cache.entries import CachedKind
from fundline.platform.cache.link import CacheUnavailable

_BATCH = 1000


async def drop_all(cache_url: str, kind: CachedKind, *, timeout_s: float = 5.0) -> int:
    """Unlink the keys `<name>:*`; returns how many. SCAN never blocks the cache. Raises CacheUnavailable."""
    dropped = 0
    client = Redis.from_url(cache_url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, protocol=2)
    try:
        batch: list[bytes] = []
        async for key in client.scan_iter(match=f"{kind.name}:*", count=_BATCH):
            batch.append(key)
            if len(batch) == _BATCH:
                dropped += await client.unlink(*batch)
                batch.clear()
        if batch:
            dropped += await client.unlink(*batch)
    except (RedisError, OSError) as error:
        raise CacheUnavailable(f"the cache does not answer ({type(error).__name__}: {error})") from error
    finally:
        await client.aclose()
    return dropped
