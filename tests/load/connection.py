"""One kept-alive HTTP/1.1 connection that costs next to nothing: the generator must not be the bottleneck."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, cast

_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "
_OPENED_WITHIN_S = 10.0


class NotUnderstood(Exception):
    """The answer has no content-length, or the connection was closed in the middle of it."""


@dataclass(frozen=True, slots=True)
class Peer:
    """`authority` is the certificate file to trust; without it the connection is plain."""

    host: str
    port: int
    authority: str | None = None


class Connection(asyncio.Protocol):
    """Sends prepared bytes; `on_answer(connection, status)` is called when the whole answer is there.

    One request at a time. A connection that breaks calls `on_answer` with status 0 when a request was open.
    """

    def __init__(self, on_answer: "Callable[[Connection, int], None]") -> None:
        self._on_answer = on_answer
        self._received = b""
        self._is_open = False
        self._transport: asyncio.Transport | None = None
        self.planned_at = 0.0
        """When the request in flight should have started, on `time.monotonic`."""

    @classmethod
    async def open(cls, peer: Peer, on_answer: "Callable[[Connection, int], None]") -> Self:
        context = None if peer.authority is None else ssl.create_default_context(cafile=peer.authority)
        async with asyncio.timeout(_OPENED_WITHIN_S):
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: cls(on_answer), peer.host, peer.port, ssl=context
            )
        return connection

    def send(self, request: bytes) -> None:
        """Status 0 at once when the connection has broken before."""
        if self._transport is None or self._transport.is_closing():
            asyncio.get_running_loop().call_soon(self._on_answer, self, 0)
            return
        self._is_open = True
        self._transport.write(request)

    def close(self) -> None:
        self._is_open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has the methods, not the base class

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        end = received.find(_HEAD_ENDS)
        if end < 0:
            self._received = received
            return
        if len(received) < end + len(_HEAD_ENDS) + _body_length(received, end):
            self._received = received
            return
        self._received = b""
        self._is_open = False
        self._on_answer(self, int(received[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_open:
            self._is_open = False
            self._on_answer(self, 0)


def _body_length(received: bytes, head_end: int) -> int:
    place = received.find(_LENGTH, 0, head_end)
    if place < 0:
        raise NotUnderstood(received[:head_end].decode("latin-1"))
    first = place + len(_LENGTH)
    last = received.find(b"\r\n", first, head_end + 2)
    return int(received[first:last])


def http_request(method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes = b"") -> bytes:
    """The whole request as bytes; `content-length` is added when there is a body."""
    lines = [f"{method} {path} HTTP/1.1", "host: localhost", *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
