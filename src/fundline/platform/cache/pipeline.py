"""Keeps one pipelining connection to the cache open: reconnects with backoff, and says at once when there is none."""

import asyncio
import contextlib
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from redis.asyncio.connection import parse_url

from fundline.platform.cache.link import CacheUnavailable, Link, wire
from fundline.platform.telemetry.logs import get_log

_PING = wire(b"PING")
_IDLE_PING_S = 1.0
_PAUSE_FIRST_S, _PAUSE_CAP_S = 0.1, 1.0


@dataclass(frozen=True, slots=True)
class CacheAddress:
    host: str
    port: int
    database: int
    username: str | None
    password: str | None
    is_tls: bool

    @classmethod
    def of(cls, url: str) -> "CacheAddress":
        """`redis://` or `rediss://`, with user, password and database number. Raises ValueError for anything else."""
        if not url.startswith(("redis://", "rediss://")):
            raise ValueError("the cache's address begins with redis:// or rediss://")
        parts: dict[str, Any] = dict(parse_url(url))
        return cls(
            host=parts.get("host", "localhost"),
            port=parts.get("port", 6379),
            database=parts.get("db", 0),
            username=parts.get("username"),
            password=parts.get("password"),
            is_tls=url.startswith("rediss://"),
        )

    def greeting(self) -> list[bytes]:
        """Commands that must succeed before the connection may be used; the last proves that the server is awake."""
        commands = []
        if self.password is not None:
            user = [] if self.username is None else [self.username.encode()]
            commands.append(wire(b"AUTH", *user, self.password.encode()))
        if self.database:
            commands.append(wire(b"SELECT", b"%d" % self.database))
        return [*commands, _PING]


class PipelinedClient:
    """Between two connections every call fails at once: a reader never waits for a cache that is known to be away."""

    def __init__(
        self,
        address: CacheAddress,
        *,
        timeout_s: float,
        waiting_limit: int = 4096,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._address, self._timeout_s, self._waiting_limit, self._dice = (
            address,
            timeout_s,
            waiting_limit,
            dice,
        )
        self._link: Link | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._log = get_log()

    @property
    def is_connected(self) -> bool:
        return self._link is not None

    async def start(self) -> None:
        """Returns when the first attempt to connect has succeeded or failed."""
        self._keeper = asyncio.create_task(self._keep_connected())
        await self._tried.wait()

    async def close(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])

    async def get(self, key: str) -> bytes | None:
        """None when there is nothing. An entry of another type reads as FOREIGN. Raises CacheUnavailable."""
        name = key.encode()
        reply = await self.call(b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(name), name))
        return reply if isinstance(reply, bytes) else None

    def call(self, command: bytes) -> asyncio.Future[Any]:
        """Raises CacheUnavailable, here or from the future."""
        if self._link is None:
            raise CacheUnavailable("there is no connection to the cache")
        return self._link.call(command)

    def probe(self) -> None:
        """Ask the server now, so that a dead one is found within one timeout.

        It also refuses a PING while it cannot write its file or still reads it: a cache that takes no writes shows what
        is over, so it is left, and not taken back before it greets.
        """
        if self._link is not None:
            with contextlib.suppress(CacheUnavailable):
                self._link.call(_PING).add_done_callback(partial(_judge_probe, self._link))

    async def _keep_connected(self) -> None:
        pause_s = _PAUSE_FIRST_S
        while True:
            try:
                link = await self._connect()
            except (OSError, TimeoutError, CacheUnavailable) as error:
                if not self._tried.is_set():
                    self._log.warning("cache.not_reached", cause=f"{type(error).__name__}: {error}")
                    self._tried.set()
                pause_s = min(pause_s * 2, _PAUSE_CAP_S)
            else:
                pause_s = _PAUSE_FIRST_S
                await self._use(link)
            await asyncio.sleep(pause_s * (0.5 + self._dice() / 2))

    async def _connect(self) -> Link:
        link: Link | None = None
        address = self._address
        try:
            async with asyncio.timeout(self._timeout_s):
                _, link = await asyncio.get_running_loop().create_connection(
                    lambda: Link(timeout_s=self._timeout_s, waiting_limit=self._waiting_limit),
                    address.host,
                    address.port,
                    ssl=ssl.create_default_context() if address.is_tls else None,
                )
                for command in address.greeting():
                    await link.call(command)
        except BaseException:
            if link is not None:
                link.end("the cache did not greet back")
            raise
        return link

    async def _use(self, link: Link) -> None:
        """Until the connection is lost. It is asked every second, so that a dead one is known before a call."""
        self._link = link
        self._tried.set()
        self._log.info("cache.connected", address=f"{self._address.host}:{self._address.port}")
        try:
            while not link.lost.done():
                await asyncio.wait([link.lost], timeout=_IDLE_PING_S)
                self.probe()
        finally:
            self._link = None
            link.end("the cache client was closed")
        self._log.warning("cache.lost", cause=link.lost.result())


def _judge_probe(link: Link, asked: asyncio.Future[Any]) -> None:
    if not asked.cancelled() and (refusal := asked.exception()) is not None:
        link.end(str(refusal))
