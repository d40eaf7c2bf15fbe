"""Correlation and trace context: from the HTTP header through Kafka to the world outside and back.

`traceparent` follows W3C Trace Context: version-traceid-spanid-flags.
"""

import random
import re
from contextvars import ContextVar, Token
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_CORRELATION = re.compile(r"[A-Za-z0-9._:-]{1,64}")


@dataclass(frozen=True, slots=True)
class TraceContext:
    trace_id: str
    span_id: str
    correlation_id: str
    flags: str = "01"

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


_current: ContextVar[TraceContext | None] = ContextVar("fundline_trace", default=None)


def continue_trace(traceparent: str | None, correlation_id: str | None) -> TraceContext:
    """A child of the caller's span; a new trace when the header is absent or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    trace_id, flags = (match.group(1), match.group(3)) if match else (_random_hex(16), "01")
    valid = correlation_id if correlation_id and _CORRELATION.fullmatch(correlation_id) else trace_id
    return TraceContext(trace_id, _random_hex(8), valid, flags)


def current_trace() -> TraceContext:
    """The context of the running request or message; a new trace outside of one."""
    return _current.get() or continue_trace(None, None)


def peek_trace() -> TraceContext | None:
    return _current.get()


class trace_scope:  # noqa: N801 - used like a function; no generator behind it, as it runs in every request
    """Inside the block, `context` is the current one."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: TraceContext) -> None:
        self._context = context
        self._token: Token[TraceContext | None] | None = None

    def __enter__(self) -> TraceContext:
        self._token = _current.set(self._context)
        return self._context

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)


def _random_hex(size_bytes: int) -> str:
    """Unlike anybody else's, but no secret: not worth two system calls per request."""
    return f"{random.getrandbits(8 * size_bytes):0{2 * size_bytes}x}"  # an id, not a secret
