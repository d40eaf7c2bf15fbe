"""The consumer runtime that every consumer uses: order per key, retries, dead letters, back pressure, drain."""

import asyncio
import functools
import time
from collections.abc import Sequence

from fundline.contracts.topics import Topic
from fundline.platform.clock import Clock, utc_now
from fundline.platform.kafka.crash_watch import DEATHS, CrashWatch, Suspects
from fundline.platform.kafka.dead_letter_limit import DeadLetterLimit, LimitReached
from fundline.platform.kafka.messages import Delivery, Poison, RetryLater, Subscription, read_event
from fundline.platform.kafka.metrics import ConsumerMetrics
from fundline.platform.kafka.offsets import OffsetTracker
from fundline.platform.kafka.outcomes import FailureRouting, cause_of
from fundline.platform.kafka.poller import Poller
from fundline.platform.kafka.producer import EventProducer, Outgoing, PublishFailed, PublishRefused
from fundline.platform.liveness import Heartbeat
from fundline.platform.loop import Loop, pause
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.context import continue_trace, trace_scope
from fundline.platform.telemetry.metrics import Metrics

_SHARE_OF_DRAIN = 0.75
"""The rest of the drain is for the last commit and for leaving the group."""
_AWAY_FIRST_S, _AWAY_CAP_S = 0.2, 5.0
_TURN_S, _LIMIT_S = 0.25, 15.0


class ConsumerRuntime(Loop):
    """Runs the handlers of one group.

    Messages of one key run one after the other, different keys side by side. Three outcomes: done, RetryLater,
    Poison. A part of ours that is away (`Unavailable`) is waited for and costs no attempt: an outage of the
    database must not fill the dead-letter topics. When too many messages die all the same, the group stops reading
    for a while and is not ready; nothing is lost, and the process stays up (ADR 0030).
    """

    def __init__(
        self,
        settings: KafkaSettings,
        group: str,
        subscriptions: Sequence[Subscription],
        *,
        producer: EventProducer,
        metrics: Metrics,
        suspects: Suspects | None = None,
        now: Clock = utc_now,
    ) -> None:
        """`suspects`: without it, a message on which processes die is delivered again for ever."""
        super().__init__(f"consumer-{group}", every_s=_TURN_S, limit_s=_LIMIT_S)
        self._settings, self._group, self._now, self._metrics = (
            settings,
            group,
            now,
            metrics.of(ConsumerMetrics),
        )
        self._producer = producer
        self._routing = FailureRouting(settings, group, now=now)
        self._by_topic: dict[str, Subscription] = {}
        for subscription in subscriptions:
            topic = subscription.topic
            for name in (topic.name, topic.retry(group)):
                self._by_topic[settings.topic_prefix + name] = subscription
        self._limit = DeadLetterLimit(settings.dead_letter_limit, settings.dead_letter_window_s)
        self._is_held = False
        self._crashes = None
        if suspects is not None:
            self._crashes = CrashWatch(suspects, width=settings.consumer_max_in_flight)
        self._tracker = OffsetTracker()
        self._slots = asyncio.Semaphore(settings.consumer_concurrency)
        self._last_of_key: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._crash: BaseException | None = None
        names = [n for s in subscriptions for n in (s.topic.name, s.topic.retry(group))]
        self._poller = Poller(
            settings, group, names, tracker=self._tracker, hand_over=self._from_poller, metrics=metrics
        )

    @property
    def heartbeats(self) -> tuple[Heartbeat, ...]:
        return (self.heartbeat, self._poller.heartbeat)

    @property
    def in_flight(self) -> int:
        return self._tracker.in_flight

    async def ready(self) -> bool:
        return self._poller.is_ready and not self._is_held

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; then finish what is in flight. Raises what crashed the poller."""
        self._loop = asyncio.get_running_loop()
        self._poller.start()
        await super().run(stop)

    async def turn(self) -> None:
        self._raise_failure()
        self._mind_the_limit()

    async def ended(self) -> None:
        self.heartbeat.end()  # the drain has its own limit, and the process watches it
        self._stopping.set()
        self._poller.stop_reading()
        await self._drain()
        self._poller.close()
        await asyncio.to_thread(self._poller.join, 10)
        self._raise_failure()

    def _raise_failure(self) -> None:
        if (failure := self._crash or self._poller.failure) is not None:
            raise failure

    def _mind_the_limit(self) -> None:
        """Stop reading while the limit is closed, go on when it opens, and say so once each time."""
        remaining_s = self._limit.remaining_s()
        if (remaining_s > 0) is self._is_held:
            return
        self._is_held = remaining_s > 0
        self._poller.hold(held=self._is_held)
        self._metrics.consumer_held.labels(self._group).set(int(self._is_held))
        if self._is_held:
            self._log.error(
                "consumer.dead_letter_limit",
                group=self._group,
                limit=self._settings.dead_letter_limit,
                window_s=self._settings.dead_letter_window_s,
                held_s=round(remaining_s, 1),
            )
        else:
            self._log.warning("consumer.resumed", group=self._group)

    async def _drain(self) -> None:
        deadline = time.monotonic() + self._settings.drain_timeout_s * _SHARE_OF_DRAIN
        while self._last_of_key and time.monotonic() < deadline:
            await asyncio.wait(list(self._last_of_key.values()), timeout=0.1)
        for task in list(self._last_of_key.values()):
            task.cancel()

    def _from_poller(self, deliveries: list[Delivery]) -> None:
        assert self._loop is not None  # noqa: S101 - run() sets it before the thread starts
        self._loop.call_soon_threadsafe(self._schedule, deliveries)

    def _schedule(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            if self._crashes is not None:
                self._crashes.arrived(delivery)
            before = self._last_of_key.get(delivery.key)
            task = asyncio.create_task(self._one(delivery, before))
            self._last_of_key[delivery.key] = task
            task.add_done_callback(functools.partial(self._forget, delivery.key))

    def _forget(self, key: str, task: asyncio.Task[None]) -> None:
        if self._last_of_key.get(key) is task:
            del self._last_of_key[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._crash = error  # neither done, retried nor dead-lettered: the process ends and is restarted
            self.wake()

    async def _one(self, delivery: Delivery, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        await self._wait_until_due(delivery)
        trace = continue_trace(delivery.headers.get("traceparent"), delivery.headers.get("ce_correlationid"))
        partition = (delivery.topic, delivery.partition)
        async with self._slots:
            if not await self._is_allowed():
                return  # we stop: it stays uncommitted and is delivered to another instance
            if not self._tracker.handling(partition, delivery.offset, delivery.epoch):
                return  # taken away while it waited: its owner has it again
            with trace_scope(trace):
                settled = await self._handle_until_settled(delivery)
        if settled:
            self._tracker.finished(partition, delivery.offset, delivery.epoch)

    async def _wait_until_due(self, delivery: Delivery) -> None:
        due = delivery.not_before()
        if due is not None:
            self._tracker.parked += 1
            try:
                await self._pause(min((due - self._now()).total_seconds(), self._settings.retry_cap_s))
            finally:
                self._tracker.parked -= 1

    def _is_early(self, delivery: Delivery) -> bool:
        """Its wait was cut short by a stop."""
        due = delivery.not_before()
        return self._stopping.is_set() and due is not None and due > self._now()

    async def _is_allowed(self) -> bool:
        """Waits while the dead-letter limit is closed; False when we stop meanwhile."""
        while (remaining_s := self._limit.remaining_s()) > 0 and not self._stopping.is_set():
            await self._pause(remaining_s)
        return remaining_s == 0

    async def _pause(self, seconds: float) -> None:
        await pause(self._stopping, seconds)

    async def _handle_until_settled(self, delivery: Delivery) -> bool:
        """False when we stop first: the message stays uncommitted and is delivered to another instance."""
        subscription = self._by_topic[delivery.topic]
        pause_s = _AWAY_FIRST_S
        while not self._is_early(delivery):
            started = time.perf_counter()
            try:
                outcome = await self._handle(subscription, delivery)
            except (Unavailable, PublishFailed) as away:
                outcome = "unavailable"
                self._log.warning(
                    "event.waits", topic=subscription.topic.name, **delivery.about, cause=str(away)
                )
            except LimitReached:
                outcome = "held"
                self._mind_the_limit()
            self._metrics.events_consumed.labels(subscription.topic.name, outcome).inc()
            self._metrics.event_handling_s.labels(subscription.topic.name).observe(
                time.perf_counter() - started
            )
            if outcome == "held":
                await self._is_allowed()
            elif outcome == "unavailable":
                await self._pause(pause_s)
                pause_s = min(pause_s * 2, _AWAY_CAP_S)
            else:
                return True
            if self._stopping.is_set():
                return False
        return False

    async def _handle(self, subscription: Subscription, delivery: Delivery) -> str:
        if self._crashes is None:
            return await self._handle_once(subscription, delivery)
        async with self._crashes.in_hand(delivery) as has_killed:
            if has_killed:
                crash = Poison(f"crash: {DEATHS} processes ended with this message in hand")
                return await self._divert(subscription.topic, delivery, crash)
            return await self._handle_once(subscription, delivery)

    async def _handle_once(self, subscription: Subscription, delivery: Delivery) -> str:
        topic = subscription.topic
        try:
            await subscription.handler(read_event(topic, delivery))
        except (Unavailable, PublishFailed):
            raise
        except (Poison, RetryLater) as outcome:
            return await self._divert(topic, delivery, outcome)
        except Exception as bug:
            self._log.error("event.handler_failed", topic=topic.name, **delivery.about, exc_info=bug)
            return await self._divert(topic, delivery, bug)
        return "done"

    async def _divert(self, topic: Topic, delivery: Delivery, error: Exception) -> str:
        name, message = self._routing.route(topic, delivery, error)
        if name == "dead_letter":
            self._limit.take()
        try:
            await asyncio.to_thread(self._publish, message)
        except PublishRefused as refused:
            # never in its way for ever: its place is among the dead letters, and there as small as it can be
            self._log.error("event.publish_refused", topic=message.topic, cause=str(refused))
            if name != "dead_letter":
                return await self._divert(topic, delivery, Poison(f"{cause_of(error)} ({refused})"))
            await asyncio.to_thread(self._publish, self._routing.head_only(topic, delivery, error))
        log = self._log.error if name == "dead_letter" else self._log.warning
        log(
            f"event.{name}",
            topic=topic.name,
            **delivery.about,
            attempt=delivery.attempt,
            cause=cause_of(error),
        )
        return name

    def _publish(self, message: Outgoing) -> None:
        self._producer.publish([message])
