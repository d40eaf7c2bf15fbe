"""Submitting an application: one statement stores the key, the application, its history and its events."""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from fundline.contracts.payloads import ApplicationCreated, RiskScoringRequested
from fundline.contracts.roles import Role
from fundline.contracts.topics import APPLICATIONS_CREATED, RISK_SCORING_REQUESTED
from fundline.domain.application import submitted
from fundline.domain.tracking import tracking_id
from fundline.platform.audit.rows import ROWS, rows_of
from fundline.platform.audit.trail import AuditEntry
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import CheckRule, Database, RowBusy, UniqueRule
from fundline.platform.database.idempotency import Once, RequestInFlight, WriteKey
from fundline.platform.database.outbox import OutboxRow, outbox_row
from fundline.platform.identity import Caller
from fundline.platform.refusals import FieldError, InvalidRequest
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.application_record import ApplicationRecord, sealed_account
from fundline.records.audit_streams import application_stream
from fundline.records.metrics import ApplicationMetrics
from fundline.records.recorded_tables import APPLICATIONS
from fundline.records.status import status_event
from fundline.services.application_api import store
from fundline.services.application_api.answers import Accepted
from fundline.services.application_api.quota import Quota
from fundline.services.application_api.reference import ReferenceData
from fundline.services.application_api.schemas import ApplicationRequest, amount_errors

SOURCE = "application-api"
_TRACKING_ATTEMPTS = 3
DEFAULT_QUOTA = Quota()


def _random_bits() -> int:
    return secrets.randbits(60)


class Submission:
    def __init__(
        self,
        database: Database,
        box: SecretBox,
        reference: ReferenceData,
        metrics: Metrics,
        *,
        quota: Quota = DEFAULT_QUOTA,
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
        random_bits: Callable[[], int] = _random_bits,
    ) -> None:
        self._database, self._box, self._reference = database, box, reference
        self._applications = metrics.of(ApplicationMetrics).applications
        self._quota = quota
        self._now, self._fresh_id, self._random_bits = now, fresh_id, random_bits
        self._log = get_log()

    async def submit(self, caller: Caller, request: ApplicationRequest, once: Once[Accepted]) -> Accepted:
        """Raises InvalidRequest, QuotaExceeded, RequestInFlight, KeyReused; AlreadyAnswered on a repeat."""
        self._check(request)
        for attempt in range(1, _TRACKING_ATTEMPTS + 1):
            accepted = Accepted(
                id=self._fresh_id(), tracking_id=tracking_id(self._random_bits()), status="processing"
            )
            try:
                is_new = await self._store(caller, request, accepted, once)
            except RowBusy:
                raise RequestInFlight from None
            except CheckRule:
                raise await self._quota.exceeded(
                    self._database, caller.subject, caller.role, self._now()
                ) from None
            except UniqueRule as taken:
                if taken.constraint != "applications_tracking_id_unique" or attempt == _TRACKING_ATTEMPTS:
                    raise
                continue
            if not is_new:
                raise await once.answered(self._database)
            self._applications.labels("processing").inc()
            self._log.info(
                "application.accepted",
                application_id=str(accepted.id),
                tracking_id=accepted.tracking_id,
                amount=request.amount,
                currency=request.currency,
                **{"user.id": caller.subject},
            )
            return accepted
        raise AssertionError("the loop returns or raises")

    def _check(self, request: ApplicationRequest) -> None:
        errors = [FieldError(path, sentence) for path, sentence in amount_errors(request)]
        errors += self._reference.unknown_values(request)
        if errors:
            raise InvalidRequest("The request was refused and nothing was stored.", errors=errors)

    async def _store(
        self, caller: Caller, request: ApplicationRequest, accepted: Accepted, once: Once[Accepted]
    ) -> bool:
        """False when the key is taken."""
        at, application_id = self._now(), accepted.id
        row = ApplicationRecord(
            application_id=application_id,
            tracking_id=accepted.tracking_id,
            user_id=caller.subject,
            submitted_as="partner" if caller.role is Role.PARTNER else "applicant",
            amount=request.money,
            term_months=request.term_months,
            purpose=request.purpose,
            revolving=request.revolving,
            business=request.business,
            figures=request.figures,
            jobs=request.jobs,
            metadata=request.metadata or {},
            account=sealed_account(request.payout_account, application_id, self._box),
            created_at=at,
        ).row()
        return await store.submit(
            self._database,
            once.key,
            once.render(accepted),
            row,
            self._events(caller, request, accepted, at),
            _entry(caller, once.key, request, row, at),
            allowed=self._quota.allowed(caller.role),
            window_since=at - self._quota.window,
        )

    def _events(
        self, caller: Caller, request: ApplicationRequest, accepted: Accepted, at: datetime
    ) -> list[OutboxRow]:
        """The fact, the command to score it, and the first status."""
        application_id = accepted.id
        amount = request.money.text()
        created = ApplicationCreated(
            application_id=application_id,
            user_id=caller.subject,
            amount=amount,
            currency=request.currency,
            timestamp=at,
            metadata=request.metadata or {},
        )
        scoring = RiskScoringRequested(
            application_id=application_id, amount=amount, currency=request.currency, timestamp=at
        )
        return [
            outbox_row(topic, payload, key=application_id, event_id=self._fresh_id(), source=SOURCE, at=at)
            for topic, payload in ((APPLICATIONS_CREATED, created), (RISK_SCORING_REQUESTED, scoring))
        ] + [
            status_event(
                submitted(at=at, actor=SOURCE),
                application_id=application_id,
                tracking_id=accepted.tracking_id,
                user_id=caller.subject,
                event_id=self._fresh_id(),
                source=SOURCE,
            )
        ]


def _entry(
    caller: Caller, key: WriteKey, request: ApplicationRequest, row: Mapping[str, Any], at: datetime
) -> AuditEntry:
    details = {
        "sequence": 1,
        "trackingId": row["tracking_id"],
        "amount": request.amount,
        "currency": request.currency,
        ROWS: rows_of(APPLICATIONS, [row]),
    }
    return AuditEntry(
        application_stream(row["application_id"]),
        f"{SOURCE}:{caller.subject}",
        "application.processing",
        at,
        details=details,
        evidence=key.request_hash,
    )
