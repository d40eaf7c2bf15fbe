"""Consumer groups seen from outside: what the broker says of members and lag, asked by a process that consumes nothing.

What a consumer says of itself is worth nothing once it hangs. For the reconciler, `fundline status`, and whoever
decides about more instances.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from fundline.platform.clock import utc_now
from fundline.platform.kafka.client import quiet
from fundline.platform.kafka.farewell import let_go
from fundline.platform.kafka.offsets import Partition
from fundline.platform.refusals import Unavailable

_REQUEST_S = 3.0
_CLOSE_S = 2.0
_PARTITIONS_FRESH_S = 60.0
_MOVED_S, _MOVED_PAUSE_S = 3.0, 0.3
_MOVED = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}
"""The broker's words for: ask again, somebody else leads now. All are over within moments when all is well."""


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
    """Synchronous: call it in a thread. A look takes some tens of milliseconds when all is well, at most about 40 s.

    Offsets are asked for by consumers that subscribe to nothing, so they are not members. The newer calls of the admin
    client can do it all, but when a coordinator has moved they end the process: `list_consumer_group_offsets` with
    SIGSEGV (librdkafka issue 5040), `list_offsets` and `describe_consumer_groups` by an assertion; seen with 2.16.
    """

    def __init__(
        self, bootstrap: str, topics_by_group: Mapping[str, Iterable[str]], *, prefix: str = ""
    ) -> None:
        self._prefix = prefix
        self._topics_by_group = {group: list(topics) for group, topics in topics_by_group.items()}
        self._config: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "socket.timeout.ms": int(_REQUEST_S * 1000),
            "logger": quiet,
        }
        self._admin = AdminClient(self._config)
        self._readers: dict[str, Consumer] = {}
        self._partitions: list[TopicPartition] = []
        self._partitions_at = float("-inf")

    def look(self, *, old_s: float) -> list[GroupView]:
        """All groups, in the order of the table; `old_s`: the age past which a waiting message is old.

        Raises KafkaUnavailable, also for a broker that cannot tell, such as the development fallback. What readers
        knew of leaders may be why: the look is begun again with new ones while the broker answers that a leader moved.
        """
        until = time.monotonic() + _MOVED_S
        while True:
            try:
                return self._look(old_s)
            except (KafkaException, TimeoutError, NotImplementedError) as error:
                self.close()
                self._partitions_at = float("-inf")
                if not _has_moved(error) or time.monotonic() > until:
                    raise KafkaUnavailable(
                        f"Kafka does not say how its consumer groups are: {error}."
                    ) from error
            time.sleep(_MOVED_PAUSE_S)

    def close(self) -> None:
        """Let the readers go."""
        readers, self._readers = self._readers, {}
        let_go(lambda: _close(readers), name="readers", limit_s=_CLOSE_S)

    def _look(self, old_s: float) -> list[GroupView]:
        partitions = self._known_partitions()
        ends = self._offsets(partitions, OFFSET_END)
        starts = self._offsets(partitions, OFFSET_BEGINNING)
        young = self._offsets(partitions, int((utc_now().timestamp() - old_s) * 1000))
        views = []
        for group, topics in self._topics_by_group.items():
            names = {self._prefix + topic for topic in topics}
            committed = self._committed_by(group, [p for p in partitions if p.topic in names])
            shown = {
                (topic.removeprefix(self._prefix), number): _view(
                    committed.get((topic, number), starts[topic, number]), end, young[topic, number]
                )
                for (topic, number), end in ends.items()
                if topic in names
            }
            views.append(GroupView(group, self._members_of(group), shown))
        return views

    def _reader(self, group: str) -> Consumer:
        if group not in self._readers:
            config = self._config | {"group.id": self._prefix + group, "enable.auto.commit": False}
            self._readers[group] = Consumer(config)
        return self._readers[group]

    def _any_reader(self) -> Consumer:
        return self._reader(next(iter(self._topics_by_group)))

    def _known_partitions(self) -> list[TopicPartition]:
        """Asked for now and then only: a topic may get more of them."""
        if time.monotonic() - self._partitions_at > _PARTITIONS_FRESH_S:
            found = []
            for name in sorted(
                {self._prefix + name for names in self._topics_by_group.values() for name in names}
            ):
                topic = self._any_reader().list_topics(name, timeout=_REQUEST_S).topics[name]
                if topic.error is not None:
                    raise KafkaException(topic.error)
                found += [TopicPartition(name, number) for number in topic.partitions]
            self._partitions, self._partitions_at = found, time.monotonic()
        return self._partitions

    def _committed_by(self, group: str, partitions: list[TopicPartition]) -> dict[Partition, int]:
        """Without those of which it has committed nothing yet."""
        asked = [TopicPartition(p.topic, p.partition) for p in partitions]
        found = _sound(self._reader(group).committed(asked, timeout=_REQUEST_S))
        return {place: offset for place, offset in found.items() if offset >= 0}

    def _members_of(self, group: str) -> int:
        """0 for a group that nobody has ever joined. Every broker is asked; its coordinator knows it.

        The driver calls this deprecated; what replaces it can end the process (librdkafka issue 4605).
        """
        found = self._admin.list_groups(self._prefix + group, timeout=_REQUEST_S)
        return max((len(one.members) for one in found if one.error is None), default=0)

    def _offsets(self, partitions: list[TopicPartition], moment: int) -> dict[Partition, int]:
        """Of the first message from this moment on, as Unix milliseconds, or the protocol's own end or beginning."""
        asked = [TopicPartition(p.topic, p.partition, moment) for p in partitions]
        return _sound(self._any_reader().offsets_for_times(asked, timeout=_REQUEST_S))


def _sound(answered: list[TopicPartition]) -> dict[Partition, int]:
    """Raises KafkaException when it could not be told of each."""
    for partition in answered:
        if partition.error is not None:
            raise KafkaException(partition.error)
    return {(p.topic, p.partition): p.offset for p in answered}


def _has_moved(error: Exception) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() in _MOVED


def _close(readers: dict[str, Consumer]) -> None:
    for group in list(readers):
        readers.pop(group).close()


def _view(committed: int, end: int, first_young: int) -> PartitionView:
    """`first_young`: of the first message that is not old; negative when every one is."""
    return PartitionView(committed, end, is_old=committed < (end if first_young < 0 else first_young))
