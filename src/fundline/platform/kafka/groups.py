"""Consumer groups seen from outside: what the broker says of members and lag, asked by a process that consumes nothing.

What a consumer says of itself is worth nothing once it hangs. For the reconciler, `fundline status`, and whoever
decides about more instances.
"""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin import OffsetSpec as _OffsetSpec  # type: ignore[attr-defined]  # it is documented there

from fundline.platform.clock import utc_now
from fundline.platform.kafka.client import quiet
from fundline.platform.kafka.offsets import Partition
from fundline.platform.refusals import Unavailable

OffsetSpec: Any = _OffsetSpec
"""Without its types: the driver's own code gives none to some of its methods."""
_REQUEST_S = 3.0
_ANSWER_S = _REQUEST_S + 1.0
_PARTITIONS_FRESH_S = 60.0


class KafkaUnavailable(Unavailable):
    code = "kafka-unavailable"
    title = "Kafka does not answer"


@dataclass(frozen=True, slots=True)
class PartitionView:
    committed: int
    """The next offset that the group has to handle."""
    end: int
    is_old: bool
    """Its next message has waited for longer than was asked about."""

    @property
    def lag(self) -> int:
        return max(self.end - self.committed, 0)


@dataclass(frozen=True, slots=True)
class GroupView:
    """One group at one moment. Topic names are without the prefix of this installation."""

    group: str
    members: int
    partitions: Mapping[Partition, PartitionView]

    @property
    def lag(self) -> int:
        """Messages not handled yet."""
        return sum(partition.lag for partition in self.partitions.values())

    @property
    def is_abandoned(self) -> bool:
        """There is work, and nobody to do it."""
        return self.lag > 0 and self.members == 0


class GroupWatch:
    """Synchronous: call it in a thread; a look takes at most some 15 s, and a few milliseconds when all is well."""

    def __init__(
        self, bootstrap: str, topics_by_group: Mapping[str, Iterable[str]], *, prefix: str = ""
    ) -> None:
        self._prefix = prefix
        self._topics_by_group = {group: list(topics) for group, topics in topics_by_group.items()}
        config: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "socket.timeout.ms": int(_REQUEST_S * 1000),
            "logger": quiet,
        }
        self._admin = AdminClient(config)
        self._partitions: list[TopicPartition] = []
        self._partitions_at = float("-inf")

    def look(self, *, old_s: float) -> list[GroupView]:
        """All groups, in the order of the table; `old_s`: the age past which a waiting message is old.

        Raises KafkaUnavailable, also for a broker that cannot tell, such as the development fallback.
        """
        try:
            return self._look(old_s)
        except (KafkaException, TimeoutError, NotImplementedError) as error:
            raise KafkaUnavailable(f"Kafka does not say how its consumer groups are: {error}.") from error

    def _look(self, old_s: float) -> list[GroupView]:
        partitions = self._known_partitions()
        groups = [self._prefix + group for group in self._topics_by_group]
        described = self._admin.describe_consumer_groups(groups, request_timeout=_REQUEST_S)
        asked = {
            group: self._admin.list_consumer_group_offsets(
                [ConsumerGroupTopicPartitions(group)], request_timeout=_REQUEST_S
            )[group]
            for group in groups
        }
        ends = self._offsets(partitions, OffsetSpec.latest())
        starts = self._offsets(partitions, OffsetSpec.earliest())
        old_before_ms = int((utc_now().timestamp() - old_s) * 1000)
        young = self._offsets(partitions, OffsetSpec.for_timestamp(old_before_ms))
        views = []
        for group, topics in self._topics_by_group.items():
            committed = _offsets_of(_answer(asked[self._prefix + group]))
            names = {self._prefix + topic for topic in topics}
            views.append(
                GroupView(
                    group,
                    _members(described[self._prefix + group]),
                    {
                        (topic.removeprefix(self._prefix), number): _view(
                            committed.get((topic, number), starts[topic, number]),
                            end,
                            young[topic, number],
                        )
                        for (topic, number), end in ends.items()
                        if topic in names
                    },
                )
            )
        return views

    def _known_partitions(self) -> list[TopicPartition]:
        """Asked for now and then only: a topic may get more of them."""
        if time.monotonic() - self._partitions_at > _PARTITIONS_FRESH_S:
            names = sorted(
                {self._prefix + name for topics in self._topics_by_group.values() for name in topics}
            )
            asked = self._admin.describe_topics(TopicCollection(names), request_timeout=_REQUEST_S)
            described = {name: _answer(future) for name, future in asked.items()}
            self._partitions = [
                TopicPartition(name, p.id) for name, topic in described.items() for p in topic.partitions
            ]
            self._partitions_at = time.monotonic()
        return self._partitions

    def _offsets(self, partitions: list[TopicPartition], spec: Any) -> dict[Partition, int]:
        asked = self._admin.list_offsets(dict.fromkeys(partitions, spec), request_timeout=_REQUEST_S)
        return {(p.topic, p.partition): int(_answer(future).offset) for p, future in asked.items()}


def _view(committed: int, end: int, first_young: int) -> PartitionView:
    """`first_young`: of the first message that is not old; negative when every one is."""
    return PartitionView(committed, end, is_old=committed < (end if first_young < 0 else first_young))


def _offsets_of(answered: ConsumerGroupTopicPartitions) -> dict[Partition, int]:
    partitions = answered.topic_partitions or []
    return {(p.topic, p.partition): p.offset for p in partitions if p.offset >= 0}


def _members(described: "Future[Any]") -> int:
    try:
        return len(_answer(described).members)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
            return 0  # nobody has ever joined it, or everybody left it and it was forgotten
        raise


def _answer(future: "Future[Any]") -> Any:
    return future.result(_ANSWER_S)
