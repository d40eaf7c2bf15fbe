"""A proxy before PostgreSQL that stands still after any chosen message of a client, as the process behind it would.

It knows where the protocol's messages begin and end, so a client can be frozen behind each of them, or within one.
While it is frozen nothing passes either way: what the server says, and that it hangs up, is seen after the thaw.
Source of the framing: PostgreSQL's documentation, "Message Formats".
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from support.proxy import listening, passing

_SSL_REQUEST = (80877103).to_bytes(4, "big")


@dataclass
class FreezingProxy:
    """`seen`: what was passed on over all connections: `ssl`, `startup`, then the types, such as `Q`, `P` or `S`."""

    host: str
    port: int
    listens_on: int = 0
    seen: list[str] = field(default_factory=list)
    frozen: asyncio.Event = field(default_factory=asyncio.Event)
    _moving: asyncio.Event = field(default_factory=asyncio.Event)
    _freeze_at: int | None = None
    _within: bool = False

    def __post_init__(self) -> None:
        self._moving.set()

    def freeze_after(self, messages: int, *, within: bool = False) -> None:
        """So many more are passed on, from 1; `within`: of the last one only the first half."""
        self._freeze_at, self._within = len(self.seen) + messages, within

    def freeze(self) -> None:
        self._moving.clear()
        self.frozen.set()

    def thaw(self) -> None:
        self._freeze_at = None
        self.frozen.clear()
        self._moving.set()

    async def serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        await self._moving.wait()
        server, requests = await asyncio.open_connection(self.host, self.port)
        ways = self._pass_messages(client, requests), self._pass_answers(server, answers)
        async with passing(*ways, writers=(requests, answers)):
            await self._moving.wait()  # whoever stands still does not hang up either

    async def _pass_messages(self, client: asyncio.StreamReader, requests: asyncio.StreamWriter) -> None:
        has_begun = False
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                name, message = await _message(client, has_type=has_begun)
                has_begun = has_begun or name == "startup"
                await self._moving.wait()
                self.seen.append(name)
                if self._freeze_at != len(self.seen):
                    requests.write(message)
                    continue
                half = len(message) // 2 if self._within else len(message)
                requests.write(message[:half])
                self.freeze()
                await self._moving.wait()
                requests.write(message[half:])

    async def _pass_answers(self, server: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        while data := await server.read(64 * 1024):
            await self._moving.wait()
            answers.write(data)
            await answers.drain()


async def _message(client: asyncio.StreamReader, *, has_type: bool) -> tuple[str, bytes]:
    """Its type and all of its bytes. Until a client has begun, its messages have no type."""
    kind = await client.readexactly(1) if has_type else b""
    size = await client.readexactly(4)
    body = await client.readexactly(int.from_bytes(size, "big") - len(size))
    name = kind.decode() if has_type else "ssl" if body[:4] == _SSL_REQUEST else "startup"
    return name, kind + size + body


@contextlib.asynccontextmanager
async def freezing_proxy(host: str, port: int) -> AsyncIterator[FreezingProxy]:
    """Listens on a free port of this machine: `listens_on`."""
    proxy = FreezingProxy(host, port)
    async with listening(proxy.serve) as proxy.listens_on:
        try:
            yield proxy
        finally:
            proxy.thaw()
