"""Live status as server-sent events. Source: WHATWG HTML, section 9.2."""

import asyncio

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from fundline.platform.http.requests import query_parameters
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.refusals import FieldError, InvalidRequest, Unavailable
from fundline.services.status_api.leaving import has_left
from fundline.services.status_api.live import Feed, LiveStatus
from fundline.services.status_api.schemas import StatusChange, StreamQuery
from fundline.services.status_api.settings import Settings

_HEARTBEAT = b": alive\n\n"
_DIGITS = 10
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


def frame(change: StatusChange) -> bytes:
    return b"id: %d\nevent: status\ndata: %b\n\n" % (change.sequence, change.body)


def last_event_id(request: Request) -> int | None:
    """None when absent. Raises InvalidRequest when it is not one of ours."""
    text = request.headers.get("last-event-id", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < _DIGITS):
        raise InvalidRequest(
            "The stream cannot resume there.",
            errors=[FieldError("Last-Event-ID", "Send the id of the last event you have got.")],
        )
    return int(text)


class EventsDoor:
    """`GET /v1/status/{id}/events`. Plain ASGI: the request's own task writes the stream, nothing else runs."""

    def __init__(self, live: LiveStatus, tokens: TokenVerifier, settings: Settings) -> None:
        self._live, self._tokens, self._settings = live, tokens, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        caller = self._tokens.caller(request, allow_query=True)
        resume_after = last_event_id(request)
        last = query_parameters(request, StreamQuery).last_sequence if resume_after is None else resume_after
        async with self._live.follow(request.path_params["id"], caller, last=last, kind="sse") as feed:
            if feed.end is not None:  # 204 tells a browser not to reconnect: nothing will follow
                await send({"type": "http.response.start", "status": 204, "headers": _HEADERS[1:]})
                await send({"type": "http.response.body", "body": b""})
                return
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
            else:
                await self._write(feed, receive, send)

    async def _write(self, feed: Feed, receive: Receive, send: Send) -> None:
        try:
            await self._send(send, b"retry: %d\n\n" % self._settings.stream_retry_ms)
            while feed.end is None:
                change = await feed.next_change()
                if change is not None:
                    await self._send(send, frame(change))
                elif feed.end is None:
                    if await has_left(receive):
                        return
                    await self._send(send, _HEARTBEAT)
            await self._send(send, b"", more=False)
        except TimeoutError:
            feed.give_up()
        except Unavailable:  # a gap could not be filled: the client resumes from the last id it has
            await self._send(send, b"", more=False)

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        async with asyncio.timeout(self._settings.stream_send_timeout_s):
            await send({"type": "http.response.body", "body": body, "more_body": more})
