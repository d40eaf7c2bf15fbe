"""The thread that owns a group's consumer: polls, hands messages over, commits, and replaces a consumer that strays."""

import dataclasses
import threading
import time
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException, Message

from fundline.platform.kafka.door import delivery_of
from fundline.platform.kafka.member import Member
from fundline.platform.kafka.messages import Delivery
from fundline.platform.kafka.metrics import ConsumerMetrics
from fundline.platform.kafka.offsets import OffsetTracker
from fundline.platform.liveness import Heartbeat
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics

_COMMIT_EVERY_S = 0.2
_LOOK_EVERY_S = 1.0
_STOOD_STILL_S = 3.0
"""A gap between two looks longer than this was ours, not the group's."""
_BATCH = 100
_LIMIT_S = 20.0
"""For one turn: a revoked partition's grace, and leaving the group, are the longest."""
_REPLACED_AT_MOST = 3
"""Consumers that stray one after the other without having been whole; then the process ends and is started afresh."""
_PARKED_PER_ROOM = 20
"""Retries that are not due yet take memory but no work: this many times as many may wait."""


class ConsumerStrayed(Exception):
    """New consumers do not get into the group either, though the broker answers."""


class Poller(threading.Thread):
    """Turns by itself: librdkafka's `poll` waits in a thread, where a `Loop` of the event loop cannot be."""

    def __init__(
        self,
        settings: KafkaSettings,
        group: str,
        topics: list[str],
        *,
        tracker: OffsetTracker,
        hand_over: Callable[[list[Delivery]], None],
        metrics: Metrics,
    ) -> None:
        super().__init__(name=f"poller-{group}", daemon=True)
        self._settings, self._group = settings, group
        self._topics = [settings.topic_prefix + topic for topic in topics]
        self._tracker, self._hand_over, self._metrics = tracker, hand_over, metrics.of(ConsumerMetrics)
        self._stop_reading = threading.Event()
        self._held = threading.Event()
        self._close = threading.Event()
        self._log = get_log()
        self._member: Member | None = None
        self._replaced = 0
        self.heartbeat = Heartbeat(self.name, _LIMIT_S)
        self.failure: BaseException | None = None

    @property
    def is_ready(self) -> bool:
        """It turns, and its consumer is a member that fetches its share, or the broker is away."""
        member = self._member
        return self.is_alive() and member is not None and member.standing.is_ready

    def stop_reading(self) -> None:
        """Take nothing new; keep polling, so that the partitions stay ours while work finishes."""
        self._stop_reading.set()

    def hold(self, *, held: bool) -> None:
        """Take nothing new while it is held; the partitions stay ours."""
        (self._held.set if held else self._held.clear)()

    def close(self) -> None:
        self._close.set()

    def run(self) -> None:
        try:
            while not self._close.is_set():
                self.heartbeat.beat()
                self._member = Member(self._settings, self._group, self._topics, self._tracker)
                try:
                    self._serve(self._member)
                finally:
                    self.heartbeat.beat()
                    self._member.leave()
        except Exception as error:
            self.failure = error
            self._log.error("consumer.crashed", group=self._group, exc_info=error)
        finally:
            self.heartbeat.end()

    def _serve(self, member: Member) -> None:
        """Until a stop, or until the consumer has strayed."""
        next_commit = 0.0
        looked_at = time.monotonic()
        while not self._close.is_set():
            self.heartbeat.beat()
            member.pause(paused=self._is_full())
            self._read(member)
            now = time.monotonic()
            if now >= next_commit:
                member.commit()
                next_commit = now + _COMMIT_EVERY_S
            if now - looked_at >= _LOOK_EVERY_S:
                self._metrics.consumer_in_flight.labels(self._group).set(self._tracker.in_flight)
                if self._has_strayed(member, stood_still=now - looked_at > _STOOD_STILL_S):
                    return
                looked_at = time.monotonic()

    def _has_strayed(self, member: Member, *, stood_still: bool) -> bool:
        """Raises ConsumerStrayed when replacing it has not helped."""
        standing = member.standing
        if standing.is_whole:
            self._replaced = 0
        elif stood_still or not member.broker_answers():
            standing.excuse()
        elif standing.has_strayed:
            self._replaced += 1
            self._metrics.consumer_replaced.labels(self._group).inc()
            self._log.error("consumer.strayed", group=self._group, astray_s=round(standing.astray_s, 1))
            if self._replaced > _REPLACED_AT_MOST:
                raise ConsumerStrayed(f"{_REPLACED_AT_MOST} new consumers did not get into {self._group}")
            return True
        return False

    def _read(self, member: Member) -> None:
        """Up to a batch. Each message is tracked before the next poll, which may take its partition away."""
        deliveries: list[Delivery] = []
        message = member.poll(0.02)
        while message is not None:
            if self._is_usable(message):
                delivery = delivery_of(message, max_bytes=self._settings.event_max_bytes)
                epoch = self._tracker.started((delivery.topic, delivery.partition), delivery.offset)
                deliveries.append(dataclasses.replace(delivery, epoch=epoch))
            if member.paused or len(deliveries) >= _BATCH:
                break
            message = member.poll(0)
        if deliveries:
            self._hand_over(deliveries)

    def _is_usable(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        if error.fatal():
            raise KafkaException(error)
        if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name
            self._log.warning("consumer.error", group=self._group, text=error.str())
        return False

    def _is_full(self) -> bool:
        limit, parked = self._settings.consumer_max_in_flight, self._tracker.parked
        return (
            self._stop_reading.is_set()
            or self._held.is_set()
            or self._tracker.in_flight - parked >= limit
            or parked >= limit * _PARKED_PER_ROOM
        )
