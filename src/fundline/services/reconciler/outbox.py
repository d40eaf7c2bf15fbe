"""The outbox: the oldest event in it says whether the event router moves. Only a person can find out why not."""

from datetime import datetime

from fundline.contracts.payloads import iso_utc
from fundline.platform.clock import NewId, new_id
from fundline.platform.database import Database
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.cases import CaseKind, NewCase, settle_case
from fundline.services.reconciler import store
from fundline.services.reconciler.findings import SOURCE, Finding, Trouble, give_to_a_person
from fundline.services.reconciler.metrics import ReconcilerMetrics

SUBJECT = "outbox"


class OutboxMoves:
    name = "outbox"

    def __init__(
        self, database: Database, metrics: Metrics, *, limit_s: float, fresh_id: NewId = new_id
    ) -> None:
        self._database, self._limit_s, self._fresh_id = database, limit_s, fresh_id
        self._metrics = metrics.of(ReconcilerMetrics)

    async def look(self, *, at: datetime, full: bool) -> list[Finding]:  # noqa: ARG002 - one row says it
        oldest = await store.oldest_event(self._database)
        self._metrics.outbox_oldest_age_s.set(0.0 if oldest is None else max(oldest.age_s, 0.0))
        async with self._database.transaction() as connection:
            if oldest is None or oldest.age_s <= self._limit_s:
                await settle_case(
                    connection, CaseKind.OUTBOX_STUCK, SUBJECT, by=SOURCE, at=at, resolution="It moves again."
                )
                return []
            summary = (
                f"The oldest event of the outbox waits since {iso_utc(oldest.created_at)} for Kafka; "
                f"it is for {oldest.topic}."
            )
            case = NewCase(CaseKind.OUTBOX_STUCK, SUBJECT, summary)
            return [
                await give_to_a_person(connection, Trouble.OUTBOX_STUCK, case, new_id=self._fresh_id, at=at)
            ]
