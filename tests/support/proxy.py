"""A real TCP proxy before a server: it loses requests or replies where a test says so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

_CHUNK = 64 * 1024


@dataclass
class Proxy:
    """One server's stand-in. Until `lose…` is called it passes everything on."""

    host: str
    port: int
    listens_on: int = 0
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    """Something was lost."""
    forwarded: int = 0
    """Requests (chunks from clients) that were passed on since the last call of `pass_everything`."""
    _reply_to: bytes | None = None
    _request: bytes | None = None
    _after_requests: int | None = None
    _hold: bool = False

    def lose_reply_to(self, request: bytes, *, hold: bool = False) -> None:
        """The server gets each request with these bytes; its reply never arrives. `hold`: the connection stays."""
        self.pass_everything()
        self._reply_to, self._hold = request, hold

    def lose_request(self, request: bytes, *, hold: bool = False) -> None:
        """The server never gets a request with these bytes."""
        self.pass_everything()
        self._request, self._hold = request, hold

    def cut_after(self, requests: int) -> None:
        """So many requests of all connections are passed on; with the next one its connection ends."""
        self.pass_everything()
        self._after_requests = requests

    def pass_everything(self) -> None:
        self._reply_to = self._request = self._after_requests = None
        self.forwarded = 0
        self.lost.clear()

    async def serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        server, requests = await asyncio.open_connection(self.host, self.port)
        awaited = asyncio.Event()
        ways = self._pass_requests(client, requests, awaited), self._pass_replies(server, answers, awaited)
        async with passing(*ways, writers=(requests, answers)):
            pass

    async def _pass_requests(
        self, client: asyncio.StreamReader, requests: asyncio.StreamWriter, awaited: asyncio.Event
    ) -> None:
        while data := await client.read(_CHUNK):
            if self._after_requests is not None and self.forwarded >= self._after_requests:
                self.lost.set()
                return
            if self._request is not None and self._request in data:
                await self._lose()
                return
            self.forwarded += 1
            if self._reply_to is not None and self._reply_to in data:
                awaited.set()
            requests.write(data)
            await requests.drain()

    async def _pass_replies(
        self, server: asyncio.StreamReader, answers: asyncio.StreamWriter, awaited: asyncio.Event
    ) -> None:
        while data := await server.read(_CHUNK):
            if awaited.is_set() and self._reply_to is not None:
                await self._lose()
                return
            answers.write(data)
            await answers.drain()

    async def _lose(self) -> None:
        self.lost.set()
        if self._hold:
            await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def proxy_before(host: str, port: int) -> AsyncIterator[Proxy]:
    """Listens on a free port of this machine: `listens_on`."""
    proxy = Proxy(host, port)
    async with listening(proxy.serve) as proxy.listens_on:
        yield proxy


@contextlib.asynccontextmanager
async def passing(
    *ways: Coroutine[Any, Any, None], writers: Iterable[asyncio.StreamWriter]
) -> AsyncIterator[None]:
    """Both ways of a connection; entered once one of them has ended. On leaving, both end and the writers close."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.close()


@contextlib.asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """Serves each connection to a free port of this machine, which it gives; on leaving, all of them end."""
    serving: set[asyncio.Task[None]] = set()

    async def accept(client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        task.add_done_callback(serving.discard)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await serve(client, answers)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
