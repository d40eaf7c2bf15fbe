"""A consumer that takes every message as it came, readable or not: nothing is retried elsewhere, nothing given up.

For the process behind the dead-letter topics, which have no dead letters of their own.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from fundline.platform.kafka.messages import Delivery
from fundline.platform.kafka.offsets import OffsetTracker
from fundline.platform.kafka.poller import Poller
from fundline.platform.liveness import Heartbeat
from fundline.platform.loop import Loop
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.metrics import Metrics

_AWAY_FIRST_S, _AWAY_CAP_S = 0.2, 5.0
_TURN_S, _LIMIT_S = 0.25, 30.0

Keep = Callable[[Delivery], Awaitable[None]]
"""Raises Unavailable to be called again with the same message; anything else ends the process."""


class KeepingConsumer(Loop):
    """One message after the other, in the order of their partitions; committed after `keep` has returned."""

    def __init__(
        self, settings: KafkaSettings, group: str, topics: Sequence[str], *, keep: Keep, metrics: Metrics
    ) -> None:
        super().__init__(f"keep-{group}", every_s=_TURN_S, limit_s=_LIMIT_S)
        self._keep = keep
        self._tracker = OffsetTracker()
        self._arrived: deque[Delivery] = deque()
        self._away_s = _AWAY_FIRST_S
        self._loop: asyncio.AbstractEventLoop | None = None
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
        return (self.heartbeat, self._poller.heartbeat)

    async def ready(self) -> bool:
        return self._poller.is_ready

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. What is not kept by then is delivered again. Raises what crashed the poller, or `keep`."""
        self._loop = asyncio.get_running_loop()
        self._poller.start()
        await super().run(stop)

    async def turn(self) -> float | None:
        """The oldest message; while `keep` is away the same again, after a pause that grows."""
        self._raise_failure()
        if not self._arrived:
            return None
        delivery = self._arrived[0]
        place = ((delivery.topic, delivery.partition), delivery.offset, delivery.epoch)
        if self._tracker.handling(*place):  # else it was taken away while it waited: its owner has it again
            try:
                await self._keep(delivery)
            except Unavailable as away:
                self._log.warning("event.waits", topic=delivery.topic, cause=str(away))
                pause_s, self._away_s = self._away_s, min(self._away_s * 2, _AWAY_CAP_S)
                return pause_s
            self._tracker.finished(*place)
        self._arrived.popleft()
        self._away_s = _AWAY_FIRST_S
        return 0.0

    async def ended(self) -> None:
        self._poller.stop_reading()
        self._poller.close()
        await asyncio.to_thread(self._poller.join, 10)
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._poller.failure is not None:
            raise self._poller.failure

    def _from_poller(self, deliveries: list[Delivery]) -> None:
        assert self._loop is not None  # noqa: S101 - run() sets it before the thread starts
        self._loop.call_soon_threadsafe(self._receive, deliveries)

    def _receive(self, deliveries: list[Delivery]) -> None:
        was_idle = not self._arrived
        self._arrived.extend(deliveries)
        if was_idle:  # else a message is in hand, and its pause is not cut short
            self.wake()
