"""Which offsets may be committed: everything below the first message that is still being worked on."""

import itertools
import threading
from collections import deque
from dataclasses import dataclass, field

Partition = tuple[str, int]
"""(topic, partition number)"""


@dataclass(slots=True)
class _Progress:
    epoch: int
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
        self._epochs = itertools.count(1)
        self.parked = 0
        """Messages of the event loop's that wait until their retry is due; they need no room to work in."""

    @property
    def in_flight(self) -> int:
        return self._in_flight

    def started(self, partition: Partition, offset: int) -> int:
        """Returns the epoch: another one each time that the partition is assigned."""
        with self._lock:
            progress = self._partitions.get(partition)
            if progress is None:
                progress = self._partitions[partition] = _Progress(next(self._epochs))
            progress.open.append(offset)
            self._in_flight += 1
            return progress.epoch

    def handling(self, partition: Partition, offset: int, epoch: int) -> bool:
        """A handler may work on it now. False when the partition was taken away while the message waited."""
        with self._lock:
            progress = self._partitions.get(partition)
            if progress is None or progress.epoch != epoch:
                return False
            progress.handled.add(offset)
            return True

    def finished(self, partition: Partition, offset: int, epoch: int) -> None:
        """Ignored for a partition that was taken away meanwhile: its owner sees the message again."""
        with self._lock:
            progress = self._partitions.get(partition)
            if progress is None or progress.epoch != epoch:
                return
            if offset in progress.done or offset not in progress.open:
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
