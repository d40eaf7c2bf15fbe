"""A consumer that takes every message as it came, readable or not: nothing is retried elsewhere, nothing given up.

For the process behind the dead-letter topics, which have no dead letters of their own.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from fundline.platform.kafka.messages import Delivery
from fundline.platform.kafka.offsets import OffsetTracker
from fundline.platform.kafka.poller import Poller
from fundline.platform.liveness import Heartbeat
from fundline.platform.loop import pause
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics

_AWAY_FIRST_S, _AWAY_CAP_S = 0.2, 5.0
_LIMIT_S = 30.0

Keep = Callable[[Delivery], Awaitable[None]]
"""Raises Unavailable to be called again with the same message; anything else ends the process."""


class KeepingConsumer:
    """One message after the other, in the order of their partitions; committed after `keep` has returned."""

    def __init__(
        self, settings: KafkaSettings, group: str, topics: Sequence[str], *, keep: Keep, metrics: Metrics
    ) -> None:
        self._keep = keep
        self._tracker = OffsetTracker()
        self._arrived: asyncio.Queue[Delivery] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._log = get_log()
        self._heartbeat = Heartbeat(f"keep-{group}", _LIMIT_S)
        self._poller = Poller(
            settings,
            group,
            list(topics),
            tracker=self._tracker,
            hand_over=self._from_poller,
            metrics=metrics,
        )

    @property
    def heartbeats(self) -> tuple[Heartbeat, ...]:
        return (self._heartbeat, self._poller.heartbeat)

    async def ready(self) -> bool:
        return self._poller.is_ready

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. What is not kept by then is delivered again. Raises what crashed the poller, or `keep`."""
        self._loop = asyncio.get_running_loop()
        self._poller.start()
        try:
            while not stop.is_set() and self._poller.is_alive():
                self._heartbeat.beat()
                with contextlib.suppress(TimeoutError):
                    await self._take(await asyncio.wait_for(self._arrived.get(), 0.25), stop)
        finally:
            self._heartbeat.end()
            self._poller.stop_reading()
            self._poller.close()
            await asyncio.to_thread(self._poller.join, 10)
        if self._poller.failure is not None:
            raise self._poller.failure

    def _from_poller(self, deliveries: list[Delivery]) -> None:
        assert self._loop is not None  # noqa: S101 - run() sets it before the thread starts
        for delivery in deliveries:
            self._loop.call_soon_threadsafe(self._arrived.put_nowait, delivery)

    async def _take(self, delivery: Delivery, stop: asyncio.Event) -> None:
        partition = (delivery.topic, delivery.partition)
        if not self._tracker.handling(partition, delivery.offset, delivery.epoch):
            return  # taken away while it waited: its owner has it again
        pause_s = _AWAY_FIRST_S
        while not stop.is_set():
            try:
                await self._keep(delivery)
            except Unavailable as away:
                self._log.warning("event.waits", topic=delivery.topic, cause=str(away))
            else:
                self._tracker.finished(partition, delivery.offset, delivery.epoch)
                return
            self._heartbeat.beat(rest_s=pause_s)
            await pause(stop, pause_s)
            pause_s = min(pause_s * 2, _AWAY_CAP_S)
