"""An underwriter decides a referral. One transaction: key, decision, status, and the payment's trigger."""

import orjson

from fundline.casefile.payout import request_disbursement
from fundline.casefile.status import LockedApplication, move_application
from fundline.domain.application import ApplicationStatus
from fundline.platform.audit.trail import AuditEntry, application_stream, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import StoredAnswer, WriteKey
from fundline.platform.http.requests import parse_body
from fundline.platform.identity import Caller, Role
from fundline.platform.telemetry.logs import get_log
from fundline.services.application_api import store
from fundline.services.application_api.reading import application_id_of
from fundline.services.application_api.referral import act_on_referral
from fundline.services.application_api.schemas import DecisionRequest
from fundline.services.application_api.submission import SOURCE

_RESULT = {"approve": ApplicationStatus.APPROVED, "reject": ApplicationStatus.REJECTED}


class Review:
    def __init__(self, database: Database, *, now: Clock = utc_now, fresh_id: NewId = new_id) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._log = get_log()

    async def decide(self, caller: Caller, key: WriteKey, text: str, body: bytes) -> StoredAnswer:
        """200 and `{id, status}`. Raises Forbidden, ApplicationNotFound, NotUnderReview, KeyReused."""
        caller.require(Role.UNDERWRITER)
        request = parse_body(DecisionRequest, body)
        application_id = application_id_of(text)
        result = _RESULT[request.decision]
        answer = orjson.dumps({"id": str(application_id), "status": result.value})

        async def work(connection: Connection, application: LockedApplication) -> None:
            await self._decide(connection, application, caller, request)

        given = await act_on_referral(
            self._database, caller, key, application_id, StoredAnswer(200, answer, is_replay=False), work
        )
        if not given.is_replay:
            self._log.info(
                "application.reviewed",
                application_id=str(application_id),
                decision=request.decision,
                **{"user.id": caller.subject},
            )
        return given

    async def _decide(
        self, connection: Connection, application: LockedApplication, caller: Caller, request: DecisionRequest
    ) -> None:
        at, result = self._now(), _RESULT[request.decision]
        actor = f"{SOURCE}:{caller.subject}"
        await store.record_decision(
            connection,
            application.application_id,
            decision=request.decision,
            reason=request.reason,
            decided_by=caller.subject,
            at=at,
        )
        entry = AuditEntry(
            application_stream(application.application_id),
            actor,
            "review.decided",
            at,
            request.reason,
            {"decision": request.decision},
        )
        await record(connection, entry)
        moved = await move_application(
            connection,
            application,
            result,
            at=at,
            actor=actor,
            new_id=self._fresh_id,
            metadata={"decidedBy": "underwriter"},
        )
        if result is ApplicationStatus.APPROVED:
            await request_disbursement(
                connection,
                moved,
                approved_by=caller.subject,
                source=SOURCE,
                at=at,
                event_id=self._fresh_id(),
            )
