"""What somebody else may have written under a key of ours: other types, and values that nobody understands."""

from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import Redis

Plant = Callable[[Any, str], Awaitable[Any]]

OTHER_TYPES: dict[str, Plant] = {
    "list": lambda server, key: server.rpush(key, "a", "b"),
    "hash": lambda server, key: server.hset(key, "status", "approved"),
    "set": lambda server, key: server.sadd(key, "a"),
    "sorted set": lambda server, key: server.zadd(key, {"a": 1}),
    "stream": lambda server, key: server.xadd(key, {"a": "b"}),
}
UNREADABLE: dict[str, Plant] = {
    "empty": lambda server, key: server.set(key, b""),
    "text": lambda server, key: server.set(key, b"approved"),
    "bytes": lambda server, key: server.set(key, b"\xff\x00\xfe"),
    "JSON": lambda server, key: server.set(key, b'{"status": "approved"}'),
    "a list": lambda server, key: server.set(key, b"[1, 2]"),
    "newer than anything": lambda server, key: server.set(key, b"9999999999 and no more"),
    "cut off": lambda server, key: server.set(key, b"00000"),
}
FOREIGN = OTHER_TYPES | UNREADABLE


async def plant(url: str, kind: str, key: str) -> None:
    async with Redis.from_url(url) as server:
        await server.delete(key)
        await FOREIGN[kind](server, key)
