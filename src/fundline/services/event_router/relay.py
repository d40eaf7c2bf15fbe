"""The relay: takes events out of the outbox and lets them go only when Kafka has acknowledged them.

Invariant: a row is deleted in the transaction that waited for its acknowledgement. When Kafka refuses, or the process
dies, the transaction rolls back and the row is sent again; consumers know an event by its id. One event that Kafka will
never take does not hold up the rest: it is set aside. Nor does a topic that it takes nothing for: its events wait.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import orjson

from fundline.platform.clock import new_id, utc_now
from fundline.platform.database import Candidate, LeaderConnection, translated
from fundline.platform.database.outbox import TAKE_BATCH
from fundline.platform.kafka.producer import EventProducer, Outgoing, PublishFailed, PublishRefused
from fundline.platform.loop import Loop
from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.event_router.lanes import Lanes
from fundline.services.event_router.metrics import RouterMetrics
from fundline.services.event_router.refused import set_aside
from fundline.services.event_router.settings import Settings

_AWAY_S = 0.5
_LIMIT_S = 40.0
"""For one batch: the statement, and Kafka's acknowledgements."""


class Relay(Loop):
    """One instance of the router. All but one stand by, waiting for the advisory lock."""

    def __init__(self, settings: Settings, producer: EventProducer, lanes: Lanes, metrics: Metrics) -> None:
        super().__init__("relay", every_s=_AWAY_S, limit_s=_LIMIT_S)
        self._settings, self._producer, self._lanes = settings, producer, lanes
        self._metrics = metrics.of(RouterMetrics)
        self._candidate = Candidate(settings, settings.router_lock_id)
        self._held_until_s: dict[str, float] = {}
        self.is_leading = False

    async def turn(self) -> float | None:
        """A batch, or another try to lead."""
        connection = await self._candidate.try_to_lead()
        self._set_leading(leading=connection is not None)
        if connection is None:
            return self._settings.router_standby_poll_ms / 1000
        try:
            moved = await self.move_batch(connection)
        except PublishFailed as away:
            self.interrupted(away)
            return None
        return 0.0 if moved == self._settings.router_batch else self._settings.router_poll_ms / 1000

    def interrupted(self, away: Unavailable | PublishFailed) -> None:
        """Another instance may try, while this one rests."""
        self._log.warning("relay.interrupted", cause=str(away))
        self._stand_down()

    async def ended(self) -> None:
        self._stand_down()

    def _stand_down(self) -> None:
        self._set_leading(leading=False)
        self._candidate.resign()

    async def move_batch(self, connection: LeaderConnection) -> int:
        """Publish the oldest events in order; returns how many. Raises PublishFailed, and then nothing is deleted."""
        async with translated(), connection.transaction():
            rows = await connection.fetch(TAKE_BATCH, self._settings.router_batch, self._held_topics())
            taken = time.perf_counter()
            batch = [
                Outgoing(
                    self._lanes.topic_of(row["topic"], row["payload"]),
                    str(row["key"]),
                    row["payload"].encode(),
                    orjson.loads(row["headers"]),
                )
                for row in rows
            ]
            if batch:
                try:
                    await asyncio.to_thread(self._producer.publish, batch)
                except PublishRefused as refused:
                    await self._set_aside(connection, rows, refused)
        publishing_s = time.perf_counter() - taken
        for row, sent in zip(rows, batch, strict=True):
            self._metrics.outbox_relayed.labels(sent.topic).inc()
            self._metrics.outbox_lag_s.observe(max(row["age_s"], 0.0) + publishing_s)
        return len(rows)

    def _held_topics(self) -> list[str]:
        now_s = time.monotonic()
        self._held_until_s = {
            topic: until_s for topic, until_s in self._held_until_s.items() if until_s > now_s
        }
        return list(self._held_until_s)

    async def _set_aside(
        self, connection: LeaderConnection, rows: Sequence[Any], refused: PublishRefused
    ) -> None:
        """Raises it again when it is about a topic: then all rows stay, and those of that topic wait."""
        topics = {rows[one.place]["topic"]: one.cause for one in refused.refusals if one.is_about_topic}
        for topic, cause in topics.items():
            self._held_until_s[topic] = time.monotonic() + self._settings.router_topic_hold_s
            self._log.error("relay.topic_refused", topic=topic, cause=cause)
        if topics:
            raise refused
        for refusal in refused.refusals:
            row = rows[refusal.place]
            await set_aside(connection, row, refusal.cause, at=utc_now(), new_id=new_id)
            self._metrics.outbox_refused.labels(row["topic"]).inc()
            self._log.error(
                "relay.event_refused", topic=row["topic"], application_id=str(row["key"]), cause=refusal.cause
            )

    def _set_leading(self, *, leading: bool) -> None:
        if leading is self.is_leading:
            return
        self.is_leading = leading
        self._metrics.outbox_leader.set(int(leading))
        self._log.info("relay.leading" if leading else "relay.standing_by")
