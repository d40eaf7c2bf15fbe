"""The outermost layer of every HTTP process: trace context, one log line, metrics, refusals and bugs as problems."""

import time
from collections.abc import Callable

from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fundline.platform.http.metrics import HttpMetrics
from fundline.platform.http.problems import internal_error_response, refusal_response
from fundline.platform.refusals import Refusal
from fundline.platform.telemetry.context import TraceContext, continue_trace, trace_scope
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics

_UNLOGGED = ("/health/", "/metrics")
_LEAVING = [(b"x-envoy-immediate-health-check-fail", b"true"), (b"connection", b"close")]
"""On every answer while the process drains: the gateway looks away at once and keeps no connection open."""
_UNSTORED = [(b"cache-control", b"no-store")]
"""What we answer is somebody's own, refusals included; whoever may keep an answer says so by itself."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Anything else is counted as `other`: a client must not be able to make new label values."""


class Edge:
    """Plain ASGI, because it runs on every request of the hot path."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        is_draining: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._app, self._metrics, self._is_draining, self._clock = (
            app,
            metrics.of(HttpMetrics),
            is_draining,
            clock,
        )
        self._durations: dict[tuple[str, str, int], Histogram] = {}
        self._log = get_log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        trace = _trace_of(scope)
        with trace_scope(trace):
            if scope["type"] == "websocket":
                await self._app(scope, receive, send)
            else:
                await self._http(scope, receive, send, trace.correlation_id)

    async def _http(self, scope: Scope, receive: Receive, send: Send, correlation_id: str) -> None:
        started = self._clock()
        status = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    *(() if any(name == b"cache-control" for name, _ in message["headers"]) else _UNSTORED),
                    (b"x-correlation-id", correlation_id.encode()),
                    *(_LEAVING if self._is_draining() else ()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Refusal as refusal:
            await refusal_response(refusal)(scope, receive, send_and_note)
        except Exception as bug:
            self._log.error("http.failed", exc_info=bug, **{"url.path": scope["path"]})
            if status == 0:
                await internal_error_response()(scope, receive, send_and_note)
        finally:
            self._log_and_measure(scope, status, self._clock() - started)

    def _log_and_measure(self, scope: Scope, status: int, elapsed_s: float) -> None:
        path: str = scope["path"]
        if path.startswith(_UNLOGGED):
            return
        route = scope.get("fundline.route", "unknown")
        self._duration(route, scope["method"], status).observe(elapsed_s)
        self._log.info(
            "http.request",
            **{
                "http.request.method": scope["method"],
                "url.path": path,
                "http.response.status_code": status,
                "event.duration": int(elapsed_s * 1e9),
            },
        )

    def _duration(self, route: str, method: str, status: int) -> Histogram:
        known = self._durations.get((route, method, status))
        if known is None:
            counted = method if method in _METHODS else "other"
            known = self._metrics.http_request_duration_s.labels(route, counted, str(status))
            if counted == method:
                self._durations[route, method, status] = known
        return known


def _trace_of(scope: Scope) -> TraceContext:
    """One pass over the raw headers; of a repeated one the first counts. The gateway's request id is the fallback."""
    traceparent = correlation_id = request_id = None
    for name, value in scope["headers"]:
        if name == b"traceparent" and traceparent is None:
            traceparent = value.decode("latin-1")
        elif name == b"x-correlation-id" and correlation_id is None:
            correlation_id = value.decode("latin-1")
        elif name == b"x-request-id" and request_id is None:
            request_id = value.decode("latin-1")
    return continue_trace(traceparent, correlation_id or request_id)
