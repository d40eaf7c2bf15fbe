"""Which offsets may be committed: everything below the first message that is still being worked on."""

import threading
from collections import deque
from dataclasses import dataclass, field

Partition = tuple[str, int]
"""(topic, partition number)"""


@dataclass(slots=True)
class _Progress:
    open: deque[int] = field(default_factory=deque)
    done: set[int] = field(default_factory=set)
    handled: set[int] = field(default_factory=set)
    next_offset: int | None = None
    committed: int | None = None


class OffsetTracker:
    """Messages of a partition finish in any order; only an unbroken run from the start may be committed.

    Used by the polling thread and the event loop, hence the lock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._partitions: dict[Partition, _Progress] = {}
        self._in_flight = 0

    @property
    def in_flight(self) -> int:
        return self._in_flight

    def started(self, partition: Partition, offset: int) -> None:
        with self._lock:
            self._partitions.setdefault(partition, _Progress()).open.append(offset)
            self._in_flight += 1

    def handling(self, partition: Partition, offset: int) -> None:
        """A handler works on it now; before, it waited for its turn or until its retry was due."""
        with self._lock:
            if partition in self._partitions:
                self._partitions[partition].handled.add(offset)

    def finished(self, partition: Partition, offset: int) -> None:
        """Ignored for a partition that was taken away meanwhile: its new owner sees the message again."""
        with self._lock:
            progress = self._partitions.get(partition)
            if progress is None or offset in progress.done or offset not in progress.open:
                return
            self._in_flight -= 1
            progress.handled.discard(offset)
            progress.done.add(offset)
            while progress.open and progress.open[0] in progress.done:
                progress.next_offset = progress.open.popleft() + 1
                progress.done.discard(progress.next_offset - 1)

    def forget(self, partition: Partition) -> None:
        with self._lock:
            progress = self._partitions.pop(partition, None)
            if progress is not None:
                self._in_flight -= len(progress.open) - len(progress.done)

    def is_idle(self, partitions: list[Partition]) -> bool:
        """No handler works on a message of these partitions."""
        with self._lock:
            return all(not self._partitions[p].handled for p in partitions if p in self._partitions)

    def not_committed(self, partition: Partition) -> None:
        """A commit that was taken has failed: offer it again."""
        with self._lock:
            if partition in self._partitions:
                self._partitions[partition].committed = None

    def take_commits(self, partitions: list[Partition] | None = None) -> list[tuple[Partition, int]]:
        """(partition, next offset to read) of all partitions, or those named, that moved since the last call."""
        with self._lock:
            moved = []
            for partition, progress in self._partitions.items():
                if partitions is not None and partition not in partitions:
                    continue
                if progress.next_offset is not None and progress.next_offset != progress.committed:
                    progress.committed = progress.next_offset
                    moved.append((partition, progress.next_offset))
            return moved
