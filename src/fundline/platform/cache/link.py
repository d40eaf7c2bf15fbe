"""One connection to the cache that sends the calls of one turn of the event loop together and matches replies in order.

Replies carry no id, so a reply that is overdue ends the connection: a late one can never answer another call.
"""

import asyncio
from collections import deque
from typing import Any, cast

import hiredis

_INCOMPLETE = object()
_CHECKS_PER_TIMEOUT = 4
_WRONG_TYPE = "WRONGTYPE"
FOREIGN = b""
"""What stands for an entry that somebody has made a list or a hash: it reads as a value that nobody understands."""


class CacheUnavailable(Exception):
    """The cache did not answer; the caller asks the database instead."""


class Link(asyncio.Protocol):
    """A call costs a future and an entry in a queue; one timer watches the oldest call, not one timer per call."""

    def __init__(self, *, timeout_s: float, waiting_limit: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout_s, self._waiting_limit = timeout_s, waiting_limit
        self._tick_s = timeout_s / _CHECKS_PER_TIMEOUT
        self._replies = hiredis.Reader(notEnoughData=_INCOMPLETE)
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._unsent: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._watch: asyncio.TimerHandle | None = None
        self.lost: asyncio.Future[str] = self._loop.create_future()
        """Done, with the reason, when the connection has ended."""

    def call(self, command: bytes) -> asyncio.Future[Any]:
        """Send one command in wire form. The future raises CacheUnavailable, also for an error reply."""
        if self._transport is None or self.lost.done():
            raise CacheUnavailable("the connection to the cache is closed")
        if len(self._waiting) >= self._waiting_limit:
            raise CacheUnavailable(f"{self._waiting_limit} calls wait for the cache already")
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(command)
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append((future, self._loop.time()))
        if self._watch is None:
            self._check_later()
        return future

    def end(self, reason: str) -> None:
        """Close at once; every waiting call fails with the reason."""
        if self.lost.done():
            return
        self.lost.set_result(reason)
        if self._watch is not None:
            self._watch.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._unsent.clear()
        while self._waiting:
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_exception(CacheUnavailable(reason))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has the methods, not the base class

    def connection_lost(self, exc: Exception | None) -> None:
        self.end(f"the connection to the cache was lost ({exc or 'closed by the server'})")

    def data_received(self, data: bytes) -> None:
        try:
            self._replies.feed(data)
            while (reply := self._replies.gets()) is not _INCOMPLETE:
                self._answer(reply)
        except (hiredis.ProtocolError, IndexError) as error:
            self.end(f"the cache sent something that is not a reply ({type(error).__name__})")

    def _answer(self, reply: Any) -> None:
        future, _ = self._waiting.popleft()
        if future.done():  # its caller was cancelled
            return
        if isinstance(reply, hiredis.ReplyError) and str(reply).startswith(_WRONG_TYPE):
            future.set_result(FOREIGN)
        elif isinstance(reply, hiredis.ReplyError):
            future.set_exception(CacheUnavailable(f"the cache refused: {reply}"))
        else:
            future.set_result(reply)

    def _flush(self) -> None:
        if self._transport is not None and self._unsent:
            self._transport.write(b"".join(self._unsent))
            self._unsent.clear()

    def _check_later(self) -> None:
        self._watch = self._loop.call_later(self._tick_s, self._check, self._loop.time() + self._tick_s)

    def _check(self, planned_at: float) -> None:
        now = self._loop.time()
        self._watch = None
        if not self._waiting:
            return
        # When this check itself is late our own loop stood still, and the reply may lie unread in the socket.
        was_asleep = now - planned_at > self._tick_s
        if not was_asleep and now - self._waiting[0][1] > self._timeout_s:
            self.end(f"a reply of the cache is overdue after {self._timeout_s * 1000:.0f} ms")
        else:
            self._check_later()


def wire(*parts: bytes) -> bytes:
    """A command in the form of the Redis protocol."""
    return b"*%d\r\n%b" % (len(parts), b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts))
