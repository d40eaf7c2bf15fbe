"""One consumer of librdkafka in its group: assignments, commits, standing. No call waits without a limit."""

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from fundline.platform.kafka.client import consumer_config
from fundline.platform.kafka.farewell import let_go
from fundline.platform.kafka.offsets import OffsetTracker, Partition
from fundline.platform.kafka.standing import OBSERVED_EVERY_S, Standing
from fundline.platform.settings import KafkaSettings
from fundline.platform.telemetry.logs import get_log

_REVOKE_GRACE_S = 5.0
_LEAVE_S = 5.0
_PROBE_S = 1.0
_RESULT_S = 10.0
"""Longest wait for the result of a commit; then it is sent again. librdkafka may lose one with the connection."""


class Member:
    """Offsets are committed by hand and only after the database has committed (the tracker says which).

    A partition taken away gets a few seconds to finish what is in flight; what is not finished is delivered again
    to its new owner, where the inbox refuses what had been done. Commits are sent and their results come with a later
    poll: librdkafka's synchronous commit has no time-out. It gives a partition away only after the commits before.
    """

    def __init__(
        self, settings: KafkaSettings, group: str, topics: list[str], tracker: OffsetTracker
    ) -> None:
        self._group, self._topics, self._tracker = group, topics, tracker
        self.standing = Standing()
        self._log = get_log()
        self._unanswered: dict[Partition, float] = {}
        self._ours: set[Partition] = set()
        self._is_leaving = False
        self.paused: bool | None = False
        """None: new partitions start unpaused, kept ones may be paused."""
        config = consumer_config(settings, group) | {
            "on_commit": self._committed,
            "stats_cb": self.standing.observe,
            "statistics.interval.ms": int(OBSERVED_EVERY_S * 1000),
        }
        self._consumer = Consumer(config)
        self._consumer.subscribe(
            topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def poll(self, timeout_s: float) -> Message | None:
        return self._consumer.poll(timeout_s)

    def pause(self, *, paused: bool) -> None:
        """Read nothing from any partition, or from all again."""
        if paused != self.paused:
            partitions = self._consumer.assignment()
            (self._consumer.pause if paused else self._consumer.resume)(partitions)
            self.paused = paused

    def broker_answers(self) -> bool:
        try:
            self._consumer.list_topics(self._topics[0], timeout=_PROBE_S)
        except KafkaException:
            return False
        return True

    def commit(self, partitions: list[Partition] | None = None) -> None:
        """Send what has moved; what fails, or is not answered, is sent again with a later call."""
        overdue = time.monotonic() - _RESULT_S
        for partition in [one for one, sent_at in self._unanswered.items() if sent_at < overdue]:
            self._not_committed(partition, "no answer")
        # what is no longer ours may be another consumer's of this process by now: one that replaced this one
        ours = self._ours if partitions is None else self._ours & set(partitions)
        moved = self._tracker.take_commits(list(ours))
        if not moved:
            return
        self._unanswered |= dict.fromkeys((partition for partition, _ in moved), time.monotonic())
        offsets = [TopicPartition(topic, number, offset) for (topic, number), offset in moved]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            for partition, _ in moved:
                self._not_committed(partition, str(error))

    def leave(self) -> None:
        """Commit what is finished and leave the group; what does not answer is left behind."""
        self._is_leaving = True
        self.commit()
        if not let_go(self._consumer.close, name=self._group, limit_s=_LEAVE_S):
            self._log.error("consumer.not_closed", group=self._group, limit_s=_LEAVE_S)
        self._drop(list(self._ours))

    def _committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            name = (partition.topic, partition.partition)
            self._unanswered.pop(name, None)
            if (failure := partition.error or error) is not None:
                self._not_committed(name, failure.str())

    def _not_committed(self, partition: Partition, cause: str) -> None:
        self._unanswered.pop(partition, None)
        self._tracker.not_committed(partition)
        topic, number = partition
        self._log.warning(
            "consumer.commit_failed", group=self._group, topic=topic, partition=number, text=cause
        )

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._ours |= {(p.topic, p.partition) for p in partitions}
        self.standing.joined()
        self.paused = None
        self._log.info("consumer.assigned", group=self._group, partitions=len(partitions))

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        names = [(p.topic, p.partition) for p in partitions]
        deadline = time.monotonic() + _REVOKE_GRACE_S
        while not self._tracker.is_idle(names) and time.monotonic() < deadline and not self._is_leaving:
            time.sleep(0.01)
        self.commit(names)
        self._drop(names)

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._drop([(p.topic, p.partition) for p in partitions])

    def _drop(self, names: list[Partition]) -> None:
        for name in self._ours & set(names):
            self._tracker.forget(name)
        self._ours -= set(names)
        self._log.info("consumer.revoked", group=self._group, partitions=len(names))
