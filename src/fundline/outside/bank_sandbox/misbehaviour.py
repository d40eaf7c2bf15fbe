"""How a misbehaviour looks on the wire: real silence, a real reset, a real 5xx."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response

from fundline.outside.bank_sandbox.conduct import Failure, Misbehaviour, Nonsense, Silence
from fundline.platform.http.problems import problem
from fundline.platform.http.sockets import cut_connection

Handler = Callable[[Request], Awaitable[Response]]
_LONGEST_SILENCE_S = 120.0
_UNSEEN = 499


class Doors:
    """Wraps the bank's handlers. `leaving` ends every silence: a bank that stops hangs up."""

    def __init__(self) -> None:
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        self._leaving.set()

    def misbehaving(self, handler: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except Misbehaviour as fault:
                return await self._perform(fault, request)

        return handle

    async def _perform(self, fault: Misbehaviour, request: Request) -> Response:
        if isinstance(fault, Failure):
            return problem(
                code="internal",
                title="Something went wrong",
                status=fault.status,
                detail="The bank is in trouble.",
            )
        if isinstance(fault, Nonsense):
            return Response(orjson.dumps({"weather": "fine"}), 200, media_type="application/json")
        gone = asyncio.ensure_future(_until_gone(request))
        if isinstance(fault, Silence):
            leaving = asyncio.ensure_future(self._leaving.wait())
            await asyncio.wait(
                [gone, leaving], timeout=_LONGEST_SILENCE_S, return_when=asyncio.FIRST_COMPLETED
            )
            leaving.cancel()
        if not gone.done():
            cut_connection(request.scope)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(gone, 1.0)
        return Response(status_code=_UNSEEN)  # the connection is gone


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
