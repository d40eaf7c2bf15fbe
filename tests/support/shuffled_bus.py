"""The outbox and Kafka in one object that behaves as badly as at-least-once delivery allows, the same for each seed.

Real handlers, real events out of the real outbox. Every event reaches each of its groups `copies` times, in any order,
between the events of other applications; a handler that says later, or finds a part away, gets it later.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from fundline.contracts.topics import TOPICS
from fundline.platform.database import Database
from fundline.platform.kafka.messages import Delivery, Handler, RetryLater, read_event
from fundline.platform.refusals import Unavailable

_TAKE = "delete from outbox where position = any(array(select position from outbox order by position)) returning *"
_MOST_STEPS = 20_000


@dataclass(frozen=True)
class _Due:
    group: str
    handler: Handler
    delivery: Delivery


class ShuffledBus:
    """`handlers`: by topic, each group with its handler. `shuffle` None: every event once, in order."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Sequence[tuple[str, Handler]]],
        *,
        copies: int = 1,
        shuffle: random.Random | None = None,
    ) -> None:
        self._database, self._handlers = database, handlers
        self._copies, self._shuffle = copies, shuffle
        self._due: list[_Due] = []
        self.delivered: dict[tuple[str, str], int] = {}
        """By group and event id: how often the handler has finished with it."""

    async def run(self) -> None:
        """Until nothing is left. What a handler raises other than later or away ends the test."""
        for _ in range(_MOST_STEPS):
            await self._take_from_outbox()
            if not self._due:
                return
            await self._deliver(self._due.pop(self._place()))
        raise AssertionError(f"events still wait after {_MOST_STEPS} deliveries")

    def _place(self) -> int:
        return 0 if self._shuffle is None else self._shuffle.randrange(len(self._due))

    async def _take_from_outbox(self) -> None:
        for row in sorted(await self._database.fetch(_TAKE), key=lambda row: row["position"]):
            headers = orjson.loads(row["headers"])
            delivery = Delivery(
                row["topic"], 0, row["position"], str(row["key"]), row["payload"].encode(), headers
            )
            for group, handler in self._handlers.get(row["topic"], ()):
                self._due += [_Due(group, handler, delivery)] * self._copies

    async def _deliver(self, due: _Due) -> None:
        try:
            await due.handler(read_event(TOPICS[due.delivery.topic], due.delivery))
        except (RetryLater, Unavailable):
            self._due.append(due)
            return
        name = (due.group, due.delivery.headers["ce_id"])
        self.delivered[name] = self.delivered.get(name, 0) + 1
