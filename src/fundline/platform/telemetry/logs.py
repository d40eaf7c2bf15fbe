"""One JSON line per event on standard output, with ECS field names.

`log.info("application.accepted", application_id=..., amount="10.00")`: the event name is a constant, data are
fields. A field without a dot becomes `fundline.<field>`; a dotted one is an ECS name and stays.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import orjson
import structlog

from fundline.platform.clock import utc_now
from fundline.platform.telemetry.context import peek_trace


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
        "error.message": str(error)[:500],
        "error.stack_trace": "".join(traceback.format_exception(error))[-4000:],
    }


def _render(_: Any, __: str, line: MutableMapping[str, Any]) -> str:
    return orjson.dumps(line, default=str).decode()


class _ForwardToStructlog(logging.Handler):
    """Lines of libraries (uvicorn, asyncpg) in the same form as ours."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        extra: dict[str, Any] = {"exc_info": error} if error else {}
        structlog.get_logger().log(
            record.levelno,
            "library.log",
            **{"log.logger": record.name, "text": record.getMessage()[:1000]},
            **extra,
        )


def configure_logs(*, process: str, instance: str, level: str, stream: TextIO | None = None) -> None:
    """Call once per process, before anything else."""
    origin = {"service.name": process, "service.node.name": instance}
    structlog.configure(
        processors=[lambda _, method, event: _to_ecs(origin, method, event), _render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stdout),
        cache_logger_on_first_use=stream is None,
    )
    logging.captureWarnings(capture=True)
    logging.basicConfig(handlers=[_ForwardToStructlog()], level=logging.WARNING, force=True)


def get_log() -> Any:
    """A logger; its methods take the constant event name and then fields."""
    return structlog.get_logger()
