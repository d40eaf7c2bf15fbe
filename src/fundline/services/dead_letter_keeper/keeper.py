"""Keeping dead letters, and counting those that wait."""

from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Database, UniqueRule
from fundline.platform.kafka.messages import Delivery
from fundline.platform.kafka.outcomes import cause_of
from fundline.platform.loop import Loop
from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.dead_letters import DeadMessage, keep_letter
from fundline.services.dead_letter_keeper import store
from fundline.services.dead_letter_keeper.metrics import DeadLetterMetrics
from fundline.services.dead_letter_keeper.reading import TOPIC_OF, bare_message, dead_message

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
        self._database, self._metrics, self._prefix = database, metrics.of(DeadLetterMetrics), prefix
        self._now, self._fresh_id = now, fresh_id
        self._log = get_log()

    async def keep(self, delivery: Delivery) -> None:
        """Raises Unavailable, and nothing else: the same message is handed over again, as while a person acts on the
        letter.

        What cannot be kept as it is, for a reason that nobody has thought of, is kept bare: the dead letters behind it
        must not wait for a new release.
        """
        try:
            await self._keep(dead_message(delivery, prefix=self._prefix, now=self._now()))
        except Unavailable:
            raise
        except Exception as bug:
            self._log.error("dead_letter.kept_bare", place=delivery.place, exc_info=bug)
            cause = cause_of(bug)
            await self._keep(bare_message(delivery, prefix=self._prefix, now=self._now(), cause=cause))

    async def _keep(self, message: DeadMessage) -> None:
        try:
            async with self._database.transaction() as connection:
                kept = await keep_letter(connection, message, actor=ACTOR, new_id=self._fresh_id)
        except UniqueRule:
            return  # another instance has kept this very message at the same moment
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


class WaitingLetters(Loop):
    """Keeps the metric of waiting letters true, also of topics that have none any more."""

    def __init__(self, database: Database, metrics: Metrics, *, every_s: float) -> None:
        super().__init__("waiting-letters", every_s=every_s)
        self._database, self._metrics = database, metrics.of(DeadLetterMetrics)

    async def turn(self) -> None:
        waiting = await store.waiting_letters(self._database)
        for topic in TOPIC_OF.values():
            self._metrics.dead_letters_waiting.labels(topic.name).set(waiting.get(topic.name, 0))
