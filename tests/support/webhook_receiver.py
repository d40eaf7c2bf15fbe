"""A receiver of webhooks that answers as the test says, over real HTTP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from support.ports import free_port


@dataclass
class Receiver:
    """`refusals`: how many of the next deliveries are answered 503."""

    port: int = field(default_factory=free_port)
    refusals: int = 0
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    refused: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/bank/events"

    async def take(self, request: Request) -> Response:
        body = await request.body()
        if self.refusals:
            self.refusals -= 1
            self.refused += 1
            return Response(status_code=503)
        self.received.append((dict(request.headers), body))
        return Response(status_code=204)

    async def until_received(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.received) < count:
                await asyncio.sleep(0.02)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Receiver"]:
        async with served(Starlette(routes=[Route("/bank/events", self.take, methods=["POST"])]), self.port):
            yield self


@contextlib.asynccontextmanager
async def served(app: ASGIApp, port: int) -> AsyncIterator[None]:
    """The application on 127.0.0.1 for as long as the block runs."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await running
