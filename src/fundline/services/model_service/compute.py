"""Where inference runs: a thread behind a bounded queue, never the event loop.

Work whose caller has gone or whose time is up is skipped, so that a burst of impatient callers costs nothing later.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.model_service.metrics import ModelMetrics

T = TypeVar("T")


class QueueFull(Unavailable):
    code = "model-queue-full"
    title = "The model service has as much work as it takes"


class TooLate(Unavailable):
    code = "model-too-late"
    title = "The time for this request is up"


class CallerGone(Exception):
    """Nobody waits for the answer any more."""


class InferenceQueue:
    """`threads` requests are computed, `longest` wait for a thread, one more is refused."""

    def __init__(self, *, threads: int, longest: int, metrics: Metrics) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="inference")
        self._threads, self._most_held = threads, threads + longest
        self._held = 0
        self._lock = threading.Lock()
        metrics.of(ModelMetrics).model_queue_depth.set_function(
            lambda: float(max(0, self._held - self._threads))
        )

    async def run(
        self, work: Callable[[], T], *, within_s: float, caller_leaves: Coroutine[Any, Any, None]
    ) -> T:
        """What `work` returns or raises. Raises QueueFull, TooLate, or CallerGone when `caller_leaves` ends first."""
        leaving = asyncio.create_task(caller_leaves)
        try:
            accepted = self._submit(work, time.monotonic() + within_s)
            working = asyncio.wrap_future(accepted)
            try:
                either: set[asyncio.Future[Any]] = {working, leaving}
                await asyncio.wait(either, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
                if working.done():
                    return working.result()
            finally:
                accepted.cancel()  # what has not begun never will; at once, and not with the loop's next turn
                working.cancel()
            if leaving.done():
                raise CallerGone
            raise _too_late()
        finally:
            leaving.cancel()

    def _submit(self, work: Callable[[], T], deadline: float) -> "Future[T]":
        def unless_late() -> T:
            if time.monotonic() > deadline:  # the whole process may have stood still
                raise _too_late()
            return work()

        with self._lock:
            if self._held >= self._most_held:
                raise QueueFull("Nothing was computed; the queue is full. Try again in a second.")
            self._held += 1
        future = self._executor.submit(unless_late)
        future.add_done_callback(self._let_go)
        return future

    def _let_go(self, _: "Future[Any]") -> None:
        """Called once for what was computed and for what was cancelled."""
        with self._lock:
            self._held -= 1

    async def close(self) -> None:
        """Everything that was accepted is finished first."""
        await asyncio.to_thread(self._executor.shutdown)


def _too_late() -> TooLate:
    return TooLate("The answer was not ready in the time that the request had.")
