"""Submitting an application: one statement stores the key, the application, its history and its events."""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from fundline.casefile.recorded_tables import APPLICATIONS
from fundline.casefile.status import status_event
from fundline.contracts.payloads import ApplicationCreated, RiskScoringRequested
from fundline.contracts.topics import APPLICATIONS_CREATED, RISK_SCORING_REQUESTED
from fundline.domain.application import submitted
from fundline.platform.audit.rows import ROWS, rows_of
from fundline.platform.audit.trail import AuditEntry, application_stream
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Database, RowBusy, UniqueRule
from fundline.platform.database.idempotency import RequestInFlight, StoredAnswer, WriteKey, stored_answer
from fundline.platform.database.outbox import OutboxRow, as_columns, outbox_row
from fundline.platform.http.requests import parse_body
from fundline.platform.identity import Caller, Role
from fundline.platform.refusals import FieldError, InvalidRequest
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.application_api import store
from fundline.services.application_api.reference import ReferenceData
from fundline.services.application_api.schemas import ApplicationRequest, amount_errors
from fundline.services.application_api.tracking import tracking_id

SOURCE = "application-api"
_TRACKING_ATTEMPTS = 3


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
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
        random_bits: Callable[[], int] = _random_bits,
    ) -> None:
        self._database, self._box, self._reference, self._metrics = database, box, reference, metrics
        self._now, self._fresh_id, self._random_bits = now, fresh_id, random_bits
        self._log = get_log()

    async def submit(self, caller: Caller, key: WriteKey, body: bytes) -> StoredAnswer:
        """202 and `{id, trackingId, status}`, or the first answer of this key.

        Raises a Refusal: a role that may not apply, values that are not acceptable, a key used for another request.
        """
        caller.require(Role.APPLICANT, Role.PARTNER)
        request = self._checked(body)
        for attempt in range(1, _TRACKING_ATTEMPTS + 1):
            application_id, tracking = self._fresh_id(), tracking_id(self._random_bits())
            answer = orjson.dumps({"id": str(application_id), "trackingId": tracking, "status": "processing"})
            try:
                is_new = await self._store(caller, key, request, application_id, tracking, answer)
            except RowBusy:
                raise RequestInFlight from None
            except UniqueRule as taken:
                if taken.constraint != "applications_tracking_id_unique" or attempt == _TRACKING_ATTEMPTS:
                    raise
                continue
            if not is_new:
                return await stored_answer(self._database, key)
            self._metrics.applications.labels("processing").inc()
            self._log.info(
                "application.accepted",
                application_id=str(application_id),
                tracking_id=tracking,
                amount=request.amount,
                currency=request.currency,
                **{"user.id": caller.subject},
            )
            return StoredAnswer(202, answer, is_replay=False)
        raise AssertionError("the loop returns or raises")

    def _checked(self, body: bytes) -> ApplicationRequest:
        request = parse_body(ApplicationRequest, body)
        errors = [FieldError(path, sentence) for path, sentence in amount_errors(request)]
        errors += self._reference.unknown_values(request)
        if errors:
            raise InvalidRequest("The request was refused and nothing was stored.", errors=errors)
        return request

    async def _store(
        self,
        caller: Caller,
        key: WriteKey,
        request: ApplicationRequest,
        application_id: UUID,
        tracking: str,
        answer: bytes,
    ) -> bool:
        at = self._now()
        account = request.payout_account
        sealed = self._box.seal(account.model_dump_json(by_alias=True).encode(), application_id)
        ids, topics, _, payloads, headers = as_columns(
            self._events(caller, request, application_id, tracking, at)
        )
        row = {
            "application_id": application_id,
            "tracking_id": tracking,
            "user_id": caller.subject,
            "amount_minor": request.money.amount_minor,
            "currency": request.currency,
            "term_months": request.term_months,
            "purpose": request.purpose,
            "revolving": request.revolving,
            "business": request.business.model_dump_json(by_alias=True),
            "figures": request.figures.model_dump_json(by_alias=True),
            "jobs": None if request.jobs is None else request.jobs.model_dump_json(by_alias=True),
            "metadata": orjson.dumps(request.metadata).decode(),
            "payout_account": sealed,
            "payout_kind": account.type,
            "payout_last4": account.last4,
            "payout_index": self._box.blind_index(account.identity),
            "created_at": at,
        }
        entry = _entry(caller, key, request, row, at)
        return await store.submit(
            self._database, key, answer.decode(), row, (ids, topics, payloads, headers), entry
        )

    def _events(
        self, caller: Caller, request: ApplicationRequest, application_id: UUID, tracking: str, at: datetime
    ) -> list[OutboxRow]:
        """The fact, the command to score it, and the first status."""
        amount = request.money.text()
        created = ApplicationCreated(
            application_id=application_id,
            user_id=caller.subject,
            amount=amount,
            currency=request.currency,
            timestamp=at,
            metadata=request.metadata,
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
                tracking_id=tracking,
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
