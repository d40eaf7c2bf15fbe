"""The thread that owns a synchronous consumer: polls, hands messages over, commits what is finished."""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from fundline.platform.kafka.client import consumer_config
from fundline.platform.kafka.messages import Delivery, delivery_of
from fundline.platform.kafka.offsets import OffsetTracker, Partition
from fundline.platform.liveness import Heartbeat
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics

_COMMIT_EVERY_S = 0.2
_LAG_EVERY_S = 2.0
_REVOKE_GRACE_S = 5.0
_BATCH = 100
_LIMIT_S = 20.0
"""For one turn, a revoked partition's grace included."""
_PARKED_PER_ROOM = 20
"""Retries that are not due yet take memory but no work: this many times as many may wait."""


class Poller(threading.Thread):
    """Offsets are committed by hand and only after the database has committed (the tracker says which).

    A partition taken away gets a few seconds to finish what is in flight; what is not finished is delivered again
    to its new owner, where the inbox refuses what had been done.
    """

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
        self._tracker, self._hand_over, self._metrics = tracker, hand_over, metrics
        self._stop_reading = threading.Event()
        self._held = threading.Event()
        self._close = threading.Event()
        self._paused: bool | None = False
        self._log = get_log()
        self.heartbeat = Heartbeat(self.name, _LIMIT_S)
        self.failure: BaseException | None = None
        self.assigned = threading.Event()

    def stop_reading(self) -> None:
        """Take nothing new; keep polling, so that the partitions stay ours while work finishes."""
        self._stop_reading.set()

    def hold(self, *, held: bool) -> None:
        """Take nothing new while it is held; the partitions stay ours."""
        (self._held.set if held else self._held.clear)()

    def close(self) -> None:
        self._close.set()

    def run(self) -> None:
        consumer = Consumer(consumer_config(self._settings, self._group))
        try:
            consumer.subscribe(
                self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
            self._loop(consumer)
        except Exception as error:
            self.failure = error
            self._log.error("consumer.crashed", group=self._group, exc_info=error)
        finally:
            self._commit(consumer)
            consumer.close()
            self.heartbeat.end()

    def _loop(self, consumer: Consumer) -> None:
        next_commit = next_lag = 0.0
        while not self._close.is_set():
            self.heartbeat.beat()
            self._apply_backpressure(consumer)
            self._read(consumer)
            now = time.monotonic()
            if now >= next_commit:
                self._commit(consumer)
                next_commit = now + _COMMIT_EVERY_S
            if now >= next_lag:
                self._measure(consumer)
                next_lag = now + _LAG_EVERY_S

    def _read(self, consumer: Consumer) -> None:
        """Up to a batch. Each message is tracked before the next poll, which may take its partition away."""
        deliveries: list[Delivery] = []
        message = consumer.poll(0.02)
        while message is not None:
            if self._is_usable(message):
                delivery = delivery_of(message)
                epoch = self._tracker.started((delivery.topic, delivery.partition), delivery.offset)
                deliveries.append(dataclasses.replace(delivery, epoch=epoch))
            if self._paused or len(deliveries) >= _BATCH:
                break
            message = consumer.poll(0)
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

    def _apply_backpressure(self, consumer: Consumer) -> None:
        limit, parked = self._settings.consumer_max_in_flight, self._tracker.parked
        full = (
            self._stop_reading.is_set()
            or self._held.is_set()
            or self._tracker.in_flight - parked >= limit
            or parked >= limit * _PARKED_PER_ROOM
        )
        if full != self._paused:
            partitions = consumer.assignment()
            (consumer.pause if full else consumer.resume)(partitions)
            self._paused = full

    def _commit(self, consumer: Consumer, partitions: list[Partition] | None = None) -> None:
        moved = self._tracker.take_commits(partitions)
        if not moved:
            return
        offsets = [TopicPartition(topic, number, offset) for (topic, number), offset in moved]
        try:
            answered = consumer.commit(offsets=offsets, asynchronous=False) or []
            failed = [(p.topic, p.partition) for p in answered if p.error is not None]
            cause = str(next((p.error for p in answered if p.error is not None), ""))
        except KafkaException as error:
            failed, cause = [partition for partition, _ in moved], str(error)
        for partition in failed:
            self._tracker.not_committed(partition)
        if failed:
            self._log.warning("consumer.commit_failed", group=self._group, text=cause)

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self.assigned.set()
        self._paused = None  # new partitions start unpaused, kept ones may be paused: the next round sets all
        self._log.info("consumer.assigned", group=self._group, partitions=len(partitions))

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        names = [(p.topic, p.partition) for p in partitions]
        deadline = time.monotonic() + _REVOKE_GRACE_S
        while not self._tracker.is_idle(names) and time.monotonic() < deadline and not self._close.is_set():
            time.sleep(0.01)
        self._commit(consumer, names)
        self._drop(names)

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._drop([(p.topic, p.partition) for p in partitions])

    def _drop(self, names: list[Partition]) -> None:
        for topic, number in names:
            self._tracker.forget((topic, number))
            with contextlib.suppress(KeyError):  # never measured
                self._metrics.consumer_lag.remove(topic, str(number))
        self._log.info("consumer.revoked", group=self._group, partitions=len(names))

    def _measure(self, consumer: Consumer) -> None:
        self._metrics.consumer_in_flight.labels(self._group).set(self._tracker.in_flight)
        for partition in consumer.position(consumer.assignment()):
            try:
                _, high = consumer.get_watermark_offsets(partition, cached=True)
            except KafkaException:
                continue
            lag = max(high - partition.offset, 0) if partition.offset >= 0 and high >= 0 else 0
            self._metrics.consumer_lag.labels(partition.topic, str(partition.partition)).set(lag)
