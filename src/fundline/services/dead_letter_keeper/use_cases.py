"""Keeping dead letters, and counting those that wait."""

import asyncio
import contextlib

from fundline.casefile.dead_letters import keep_letter
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Database, RowBusy, UniqueRule
from fundline.platform.kafka.messages import Delivery
from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.dead_letter_keeper import store
from fundline.services.dead_letter_keeper.reading import TOPIC_OF, dead_message

ACTOR = "dead-letter-keeper"


class Keeper:
    """Takes one message after the other; each becomes a letter, or another death of one, exactly once."""

    def __init__(
        self,
        database: Database,
        metrics: Metrics,
        *,
        prefix: str = "",
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
    ) -> None:
        self._database, self._metrics, self._prefix = database, metrics, prefix
        self._now, self._fresh_id = now, fresh_id
        self._log = get_log()

    async def keep(self, delivery: Delivery) -> None:
        """Raises Unavailable: the same message is handed over again."""
        message = dead_message(delivery, prefix=self._prefix, now=self._now())
        try:
            async with self._database.transaction() as connection:
                kept = await keep_letter(connection, message, actor=ACTOR, new_id=self._fresh_id)
        except UniqueRule:
            return  # another instance has kept this very message at the same moment
        except RowBusy as busy:
            raise Unavailable("A person acts on this letter at this moment.") from busy
        if kept is None:
            return
        self._metrics.dead_letters_kept.labels(message.topic).inc()
        self._log.warning(
            "dead_letter.kept",
            dead_letter_id=str(kept.letter_id),
            topic=message.topic,
            application_id=message.key,
            consumer_group=message.group,
            is_new=kept.is_new,
            is_open_again=kept.is_open_again,
            cause=message.cause,
        )


class WaitingLetters:
    """Keeps the metric of waiting letters true, also of topics that have none any more."""

    def __init__(self, database: Database, metrics: Metrics, *, every_s: float) -> None:
        self._database, self._metrics, self._every_s = database, metrics, every_s
        self._log = get_log()

    async def count(self) -> None:
        """Raises DatabaseUnavailable."""
        waiting = await store.waiting_letters(self._database)
        for topic in TOPIC_OF.values():
            self._metrics.dead_letters_waiting.labels(topic.name).set(waiting.get(topic.name, 0))

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.count()
            except Unavailable as away:
                self._log.warning("dead_letters.not_counted", cause=str(away))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every_s)
