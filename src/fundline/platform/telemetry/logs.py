"""One JSON line per event on standard output, with ECS field names; `line_writer.py` writes it.

`log.info("order.accepted", order_id=..., amount="10.00")`: the event name is a constant, data are
fields. A field without a dot becomes `fundline.<field>`; a dotted one is an ECS name and stays.
"""

import atexit
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from typing import Any, BinaryIO

import orjson
import structlog

from fundline.platform.clock import utc_now
from fundline.platform.telemetry.context import peek_trace
from fundline.platform.telemetry.line_writer import LineWriter

_STANDARD_OUTPUT, _STANDARD_ERROR = 1, 2


def _to_ecs(origin: dict[str, str], method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    line: dict[str, Any] = {
        "@timestamp": utc_now().isoformat(timespec="microseconds")[:-6]
        + "Z",  # strftime takes thrice as long
        "log.level": method,
        "message": event.pop("event"),
        **origin,
    }
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        line |= _error_fields(error)
    for name, value in event.items():
        line[name if "." in name else "fundline." + name] = value
    if (trace := peek_trace()) is not None:
        line["trace.id"] = trace.trace_id
        line["span.id"] = trace.span_id
        line["fundline.correlation_id"] = trace.correlation_id
    return line


def _error_fields(error: BaseException) -> dict[str, str]:
    import traceback

    return {
        "error.type": type(error).__name__,
        "error.message": _text_of(error)[:500],
        "error.stack_trace": "".join(traceback.format_exception(error))[-4000:],
    }


def _render(_: Any, __: str, line: MutableMapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(line, default=_text_of, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half a character, a number of 65 bits, a key that is not text: what strangers send
        return json.dumps(line, default=_text_of, skipkeys=True).encode() + b"\n"


def _text_of(value: object) -> str:
    """A log line about a broken thing must not break in its turn."""
    try:
        return str(value)
    except Exception as error:
        return f"<{type(value).__name__}, not shown: {type(error).__name__}>"


class _ForwardToStructlog(logging.Handler):
    """Lines of libraries (uvicorn, asyncpg) in the same form as ours."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        extra: dict[str, Any] = {"exc_info": error} if error else {}
        try:
            text = record.getMessage()
        except Exception as unfit:  # arguments that do not fit the text
            text = f"{record.msg} ({type(unfit).__name__})"
        structlog.get_logger().log(
            record.levelno, "library.log", **{"log.logger": record.name, "text": text[:1000]}, **extra
        )


class _Sink:
    """What structlog calls with a finished line: all levels go the same way."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = write


_writer: LineWriter | None = None


def configure_logs(*, process: str, instance: str, level: str, stream: BinaryIO | None = None) -> None:
    """Call once per process, before anything else. A `stream` is written to at once, without the thread."""
    origin = {"service.name": process, "service.node.name": instance}
    sink = _Sink(_standard_output(origin).write if stream is None else partial(_write_now, stream))
    structlog.configure(
        processors=[lambda _, method, event: _to_ecs(origin, method, event), _render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=stream is None,
    )
    logging.captureWarnings(capture=True)
    logging.basicConfig(handlers=[_ForwardToStructlog()], level=logging.WARNING, force=True)


def _standard_output(origin: dict[str, str]) -> LineWriter:
    """One writer for the life of the process: loggers keep it."""
    global _writer  # noqa: PLW0603 - as standard output is one
    if _writer is None:

        def own_line(event: str, fields: Mapping[str, int | str]) -> bytes:
            return _render(None, "", _to_ecs(origin, "error", {"event": event, **fields}))

        # Closed at the start, their numbers may by now be those of a file or a socket that is not for logs.
        output = _STANDARD_OUTPUT if sys.__stdout__ else os.open(os.devnull, os.O_WRONLY)
        _writer = LineWriter(output, own_line, last_resort=_STANDARD_ERROR if sys.__stderr__ else None)
        atexit.register(_writer.close)
    return _writer


def _write_now(stream: BinaryIO, line: bytes) -> None:
    stream.write(line)
    stream.flush()


def lost_lines() -> Mapping[str, int]:
    """How many lines could not be written since the start, by cause."""
    return {} if _writer is None else dict(_writer.lost)


def flush_logs(limit_s: float) -> bool:
    """For whoever ends the process without its exit handlers. False when the limit was not enough."""
    return _writer is None or _writer.flush(limit_s)


def get_log() -> Any:
    """A logger; its methods take the constant event name and then fields."""
    return structlog.get_logger()
