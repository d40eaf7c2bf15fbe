"""Scoring an application, once: begin, judge outside of any transaction, record.

Two topics reach this worker. `applications.created` begins, `risk.scoring.requested` begins if that has not happened
yet, and scores. Only the latter can score, and the assessment's key lets only one score in.
"""

import dataclasses
from typing import Any
from uuid import UUID

import orjson

from fundline.casefile.status import LockedApplication, lock_application, move_application
from fundline.contracts.payloads import RiskScoringCompleted
from fundline.contracts.topics import RISK_SCORING_COMPLETED, Group
from fundline.domain.application import ApplicationStatus
from fundline.domain.policy import Decision, decide
from fundline.domain.scorecard import ApplicantFacts
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.inbox import first_time
from fundline.platform.database.outbox import outbox_row, store_events
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.risk_worker import store

SOURCE = "risk-worker"


class Scoring:
    def __init__(
        self, database: Database, metrics: Metrics, *, now: Clock = utc_now, fresh_id: NewId = new_id
    ) -> None:
        self._database, self._metrics, self._now, self._fresh_id = database, metrics, now, fresh_id
        self._log = get_log()

    async def begin(self, application_id: UUID) -> ApplicantFacts | None:
        """Move to `risk_scoring` unless that was done; None when a decision exists. Raises UnknownApplication."""
        async with self._database.transaction() as connection:
            application = await lock_application(connection, application_id)
            if application.status is ApplicationStatus.PROCESSING:
                await self._move(connection, application, ApplicationStatus.RISK_SCORING)
                self._metrics.applications.labels(ApplicationStatus.RISK_SCORING.value).inc()
            elif application.status is not ApplicationStatus.RISK_SCORING:
                return None
            return await store.read_facts(connection, application_id)

    async def score(self, application_id: UUID, *, event_id: UUID) -> None:
        """Score and record. A repeat, or the late result of a stalled worker, changes nothing."""
        facts = await self.begin(application_id)
        if facts is None:
            return
        decision = decide(facts)
        if await self._record(application_id, facts, decision, event_id):
            self._metrics.applications.labels(decision.status).inc()
            self._log.info(
                "application.scored",
                application_id=str(application_id),
                verdict=decision.status,
                risk_score=str(decision.risk_score),
                model_version=decision.model_version,
                principal_reasons=[reason.code for reason in decision.principal_reasons],
            )

    async def _record(
        self, application_id: UUID, facts: ApplicantFacts, decision: Decision, event_id: UUID
    ) -> bool:
        at = self._now()
        async with self._database.transaction() as connection:
            if not await first_time(connection, consumer=Group.RISK_WORKER, event_id=event_id):
                return False
            application = await lock_application(connection, application_id)
            if application.status is not ApplicationStatus.RISK_SCORING:
                return False
            await store.record_assessment(
                connection, application_id, decision, evidence_of(facts, decision), at
            )
            await self._move(
                connection,
                application,
                ApplicationStatus(decision.status),
                {"riskScore": str(decision.risk_score), "principalReasons": store.reasons_view(decision)},
            )
            completed = RiskScoringCompleted(
                application_id=application_id,
                risk_score=str(decision.risk_score),
                status=decision.status,
                timestamp=at,
                model_version=decision.model_version,
                policy_version=decision.policy_version,
                principal_reasons=[reason.code for reason in decision.principal_reasons],
            )
            event = outbox_row(
                RISK_SCORING_COMPLETED,
                completed,
                key=application_id,
                event_id=self._fresh_id(),
                source=SOURCE,
                at=at,
            )
            await store_events(connection, [event])
        return True

    async def _move(
        self,
        connection: Connection,
        application: LockedApplication,
        asked: ApplicationStatus,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        await move_application(
            connection,
            application,
            asked,
            at=self._now(),
            actor=SOURCE,
            new_id=self._fresh_id,
            metadata=metadata,
        )


def evidence_of(facts: ApplicantFacts, decision: Decision) -> bytes:
    """What the decision rested on: inputs, contributions and rule outcomes, as JSON with decimals as text."""
    return orjson.dumps(
        {
            "facts": dataclasses.asdict(facts),
            "contributions": [dataclasses.asdict(c) for c in decision.score.contributions],
            "base": decision.score.base,
            "total": decision.score.total,
            "rules": [dataclasses.asdict(outcome) for outcome in decision.rule_outcomes],
            "missing": list(decision.score.missing),
        },
        default=str,
    )
