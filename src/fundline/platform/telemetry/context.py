"""Correlation and trace context: from the HTTP header through Kafka to the bank and back.

`traceparent` follows W3C Trace Context: version-traceid-spanid-flags.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
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
    trace_id, flags = (match.group(1), match.group(3)) if match else (secrets.token_hex(16), "01")
    valid = correlation_id if correlation_id and _CORRELATION.fullmatch(correlation_id) else trace_id
    return TraceContext(trace_id, secrets.token_hex(8), valid, flags)


def current_trace() -> TraceContext:
    """The context of the running request or message; a new trace outside of one."""
    return _current.get() or continue_trace(None, None)


def peek_trace() -> TraceContext | None:
    return _current.get()


@contextmanager
def trace_scope(context: TraceContext) -> Iterator[TraceContext]:
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
