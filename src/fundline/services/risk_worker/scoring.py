"""Scoring an application, once for each request: begin, judge outside of any transaction, record.

Two topics reach these workers. `applications.created` begins, `risk.scoring.requested` begins if that has not
happened yet, and scores. Only the latter reads the facts, so that damaged ones give one dead letter and not two. Only
the latter can score, and only once: its event id is remembered in the transaction that records the assessment. So a
worker that stood still while another one scored finds its late result refused.
"""

import time
from datetime import datetime
from typing import Any
from uuid import UUID

from fundline.contracts.payloads import RiskScoringCompleted
from fundline.contracts.topics import RISK_SCORING_COMPLETED, Group
from fundline.domain.application import ApplicationStatus
from fundline.platform.audit.rows import ROWS, Rows, read_rows
from fundline.platform.audit.trail import AuditEntry, frozen_form, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.inbox import first_time
from fundline.platform.database.outbox import outbox_row, store_events
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.audit_streams import application_stream
from fundline.records.exposure import read_exposure
from fundline.records.metrics import ApplicationMetrics
from fundline.records.recorded_tables import ASSESSMENTS
from fundline.records.status import LockedApplication, lock_application, move_application
from fundline.services.risk_worker import store
from fundline.services.risk_worker.judgement import Judge, Judgement, Subject
from fundline.services.risk_worker.metrics import ScoringMetrics

SOURCE = "risk-worker"
_BEFORE_THE_DECISION = {ApplicationStatus.PROCESSING, ApplicationStatus.RISK_SCORING}


class Scoring:
    def __init__(
        self,
        database: Database,
        judge: Judge,
        metrics: Metrics,
        *,
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
    ) -> None:
        self._database, self._judge, self._metrics = database, judge, metrics.of(ScoringMetrics)
        self._applications = metrics.of(ApplicationMetrics).applications
        self._now, self._fresh_id = now, fresh_id
        self._log = get_log()

    async def begin(self, application_id: UUID) -> None:
        """Move to `risk_scoring` unless that was done; the facts are not looked at. Raises UnknownApplication."""
        async with self._database.transaction() as connection:
            await self._begin(connection, await lock_application(connection, application_id))

    async def score(self, application_id: UUID, *, event_id: UUID) -> None:
        """Score and record. A repeat, or the late result of a stalled worker, changes nothing.

        Raises UnknownApplication, FactsImpossible.
        """
        subject = await self.subject_of(application_id)
        if subject is None:
            return
        started = time.perf_counter()
        judgement = await self._judge.judge(subject)
        self._metrics.scoring_s.observe(time.perf_counter() - started)
        decision = judgement.decision
        fields: dict[str, Any] = {
            "application_id": str(application_id),
            "verdict": decision.status,
            "risk_score": str(decision.risk_score),
            "model_version": decision.model_version,
        }
        if not await self._record(subject, judgement, event_id):
            self._log.info("application.score_refused", **fields)
            return
        self._applications.labels(decision.status).inc()
        self._metrics.model_decisions.labels(judgement.inputs.asked, decision.status).inc()
        self._log.info(
            "application.scored",
            **fields,
            model_asked=judgement.inputs.asked,
            fallback_cause=judgement.inputs.fallback_because,
            principal_reasons=[reason.code for reason in decision.principal_reasons],
        )

    async def subject_of(self, application_id: UUID) -> Subject | None:
        """Who is to be scored, begun if nobody has; None when a decision exists."""
        async with self._database.transaction() as connection:
            application = await lock_application(connection, application_id)
            if application.status not in _BEFORE_THE_DECISION:
                return None
            facts = await store.read_facts(connection, application_id)
            exposure = await read_exposure(connection, application_id)
            await self._begin(connection, application)
        return Subject(application_id, application.user_id, facts, exposure)

    async def _begin(self, connection: Connection, application: LockedApplication) -> None:
        if application.status is ApplicationStatus.PROCESSING:
            await self._move(connection, application, ApplicationStatus.RISK_SCORING)
            self._applications.labels(ApplicationStatus.RISK_SCORING.value).inc()

    async def _record(self, subject: Subject, judgement: Judgement, event_id: UUID) -> bool:
        """False when this request has had its score, from this worker or another."""
        at, decision, inputs = self._now(), judgement.decision, judgement.inputs
        async with self._database.transaction() as connection:
            if not await first_time(connection, consumer=Group.RISK_WORKER, event_id=event_id):
                return False
            application = await lock_application(connection, subject.application_id)
            if application.status is not ApplicationStatus.RISK_SCORING:
                return False
            evidence = judgement.evidence()
            number = await store.record_assessment(
                connection,
                subject.application_id,
                decision,
                evidence=evidence,
                model_asked=inputs.asked,
                fallback_cause=inputs.fallback_because or inputs.no_score_because,
                shadow=judgement.shadow,
                at=at,
            )
            rows = await read_rows(connection, ASSESSMENTS, [subject.application_id, number])
            await record(connection, _entry(subject.application_id, number, judgement, evidence, rows, at))
            await self._move(
                connection,
                application,
                ApplicationStatus(decision.status),
                {"riskScore": str(decision.risk_score), "principalReasons": store.reasons_view(decision)},
            )
            completed = RiskScoringCompleted(
                application_id=subject.application_id,
                risk_score=str(decision.risk_score),
                status=decision.status,
                timestamp=at,
                model_version=decision.model_version,
                policy_version=decision.policy_version,
                principal_reasons=[reason.code for reason in decision.principal_reasons],
                assessment=number,
            )
            event = outbox_row(
                RISK_SCORING_COMPLETED,
                completed,
                key=subject.application_id,
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


def _entry(
    application_id: UUID, number: int, judgement: Judgement, evidence: bytes, rows: Rows, at: datetime
) -> AuditEntry:
    """What the audit trail says of an assessment; its evidence hash is that of the stored evidence."""
    decision, inputs = judgement.decision, judgement.inputs
    details = {
        "assessment": number,
        "verdict": decision.status,
        "riskScore": str(decision.risk_score),
        "modelVersion": decision.model_version,
        "modelAsked": inputs.asked,
        "policyVersion": decision.policy_version,
        "fallbackCause": inputs.fallback_because or inputs.no_score_because,
        ROWS: rows,
    }
    reason = " ".join(reason.sentence for reason in decision.principal_reasons)
    return AuditEntry(
        application_stream(application_id),
        SOURCE,
        "assessment.recorded",
        at,
        reason,
        details,
        frozen_form(evidence),
    )
