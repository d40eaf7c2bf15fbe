"""Finds the message on which processes die, so that it is set aside instead of ending one process after the other.

No code of ours sees such an end (SIGSEGV, out of memory, kill -9), so it is seen by what is left behind. Whoever gets a
partition writes down where it begins: once per assignment, nothing on the way of a message. When an owner before it
began at the same place, somebody may have died there; then what could have been in hand is handled one message at a
time, and each is written down before. A message that was in hand when two lives ended so, after the one that raised
the suspicion, has ended three: it is a dead letter. (Four, when the first one got some way into the partition before
it died.) A kill from outside would have to hit the same message twice more.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol
from uuid import UUID

from fundline.platform.clock import new_id
from fundline.platform.kafka.messages import Delivery
from fundline.platform.kafka.offsets import Partition
from fundline.platform.refusals import Unavailable

DEATHS = 3
"""Ends of a process on one message after which it is set aside."""
_SEEN_UNMARKED = 1
"""The first of them, which only raises the suspicion."""


class Suspects(Protocol):
    """Where it is written down; outlives the process. All raise Unavailable when it cannot be told."""

    async def begin(self, topic: str, partition: int, offset: int, life: UUID) -> bool: ...

    async def take(self, topic: str, partition: int, offset: int, life: UUID) -> int: ...

    async def put_down(self, topic: str, partition: int, offset: int, life: UUID) -> None: ...


class CrashWatch:
    """`width`: how many messages from the first one on may have been in hand at once."""

    def __init__(self, suspects: Suspects, *, width: int) -> None:
        self._suspects, self._width = suspects, width
        self._life = new_id()
        self._first: dict[Partition, tuple[int, int]] = {}
        """By partition: the epoch of its assignment, and the first offset in it."""
        self._until: dict[Partition, tuple[int, int]] = {}
        """By partition: that epoch, and up to where messages are suspects."""
        self._asking, self._alone = asyncio.Lock(), asyncio.Lock()

    def arrived(self, delivery: Delivery) -> None:
        """In the order of the partition, before anything of it is handled."""
        partition = (delivery.topic, delivery.partition)
        if self._first.get(partition, (None, 0))[0] != delivery.epoch:
            self._first[partition] = (delivery.epoch, delivery.offset)

    @contextlib.asynccontextmanager
    async def in_hand(self, delivery: Delivery) -> AsyncIterator[bool]:
        """Around its handling. True: three processes have died on it, do not touch it. Raises Unavailable."""
        place = (delivery.topic, delivery.partition, delivery.offset, self._life)
        if delivery.offset >= await self._suspects_until(delivery):
            yield False
            return
        async with self._alone:
            deaths = await self._suspects.take(*place)
            try:
                yield deaths + _SEEN_UNMARKED >= DEATHS
            finally:
                with contextlib.suppress(
                    Unavailable
                ):  # a false death at most; it takes two to set a message aside
                    await self._suspects.put_down(*place)

    async def _suspects_until(self, delivery: Delivery) -> int:
        partition = (delivery.topic, delivery.partition)
        async with self._asking:
            epoch, until = self._until.get(partition, (None, 0))
            if epoch != delivery.epoch:
                first = self._first[partition][1]
                is_suspicious = await self._suspects.begin(*partition, first, self._life)
                until = first + self._width if is_suspicious else 0
                self._until[partition] = (delivery.epoch, until)
        return until
