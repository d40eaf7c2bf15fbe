"""Live status over a WebSocket: the same JSON objects as everywhere, one per message."""

import asyncio

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from fundline.platform.http.problems import STATUS_OF, refusal_response
from fundline.platform.http.requests import query_parameters
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.refusals import Refusal, Unavailable
from fundline.services.status_api.fan_out import End
from fundline.services.status_api.leaving import has_left
from fundline.services.status_api.live import Feed, LiveStatus
from fundline.services.status_api.schemas import StreamQuery
from fundline.services.status_api.settings import Settings

TRY_AGAIN_LATER = 1013
CLOSE_CODES = {End.FINAL: 1000, End.DRAINING: 1012, End.TOO_SLOW: TRY_AGAIN_LATER}
REFUSED = 4000
"""Plus the HTTP status, for a server that cannot answer a handshake with a problem document."""


class WebSocketDoor:
    """`/v1/status/{id}/ws`. What the client says is ignored; who may not see it is refused in the handshake."""

    def __init__(self, live: LiveStatus, tokens: TokenVerifier, settings: Settings) -> None:
        self._live, self._tokens, self._settings = live, tokens, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        try:
            caller = self._tokens.caller(socket, allow_query=True)
            last = query_parameters(socket, StreamQuery).last_sequence
            async with self._live.follow(socket.path_params["id"], caller, last=last, kind="ws") as feed:
                await socket.accept()
                await self._write(feed, socket)
        except Refusal as refusal:
            await _refuse(socket, refusal)
        except WebSocketDisconnect:
            return

    async def _write(self, feed: Feed, socket: WebSocket) -> None:
        code = TRY_AGAIN_LATER
        try:
            while feed.end is None:
                change = await feed.next_change()
                if change is not None:
                    await self._send(socket, change.body)
                elif feed.end is None and await has_left(socket.receive):
                    return
            code = CLOSE_CODES[feed.end]
        except TimeoutError:
            feed.give_up()
            return  # a close frame would wait behind what the reader does not take; the server cuts the connection
        except Unavailable:  # a gap could not be filled: the client resumes from what it has
            code = TRY_AGAIN_LATER
        await socket.close(code)

    async def _send(self, socket: WebSocket, body: bytes) -> None:
        async with asyncio.timeout(self._settings.stream_send_timeout_s):
            await socket.send_text(body.decode())


async def _refuse(socket: WebSocket, refusal: Refusal) -> None:
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(refusal_response(refusal))
    else:
        await socket.close(REFUSED + STATUS_OF[refusal.kind], refusal.title)
