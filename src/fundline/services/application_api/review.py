"""An underwriter decides a referral. One transaction: key, decision, status, and the payment's trigger."""

from typing import Literal
from uuid import UUID

from fundline.domain.application import ApplicationStatus
from fundline.domain.review_reasons import reasons_as_json, reviewed_because
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.platform.telemetry.logs import get_log
from fundline.records.audit_streams import application_stream
from fundline.records.payment_request import request_payment
from fundline.records.status import LockedApplication, move_application
from fundline.services.application_api import store
from fundline.services.application_api.answers import Decided
from fundline.services.application_api.referral import act_on_referral
from fundline.services.application_api.schemas import DecisionRequest
from fundline.services.application_api.submission import SOURCE

_RESULT: dict[Literal["approve", "reject"], Literal["approved", "rejected"]] = {
    "approve": "approved",
    "reject": "rejected",
}


class Review:
    def __init__(self, database: Database, *, now: Clock = utc_now, fresh_id: NewId = new_id) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._log = get_log()

    async def decide(
        self, caller: Caller, application_id: UUID, request: DecisionRequest, once: Once[Decided]
    ) -> Decided:
        """Raises InvalidRequest, and what `act_on_referral` raises."""
        request.require_reasons()

        async def work(connection: Connection, application: LockedApplication) -> Decided:
            await self._decide(connection, application, caller, request)
            return Decided(id=application_id, status=_RESULT[request.decision])

        decided = await act_on_referral(self._database, caller, application_id, once, work)
        self._log.info(
            "application.reviewed",
            application_id=str(application_id),
            decision=request.decision,
            **{"user.id": caller.subject},
        )
        return decided

    async def _decide(
        self, connection: Connection, application: LockedApplication, caller: Caller, request: DecisionRequest
    ) -> None:
        at, result = self._now(), ApplicationStatus(_RESULT[request.decision])
        reasons = reasons_as_json(reviewed_because(request.principal_reasons))
        actor = f"{SOURCE}:{caller.subject}"
        await store.record_decision(
            connection,
            application.application_id,
            decision=request.decision,
            reason=request.reason,
            principal_reasons=reasons,
            decided_by=caller.subject,
            at=at,
        )
        entry = AuditEntry(
            application_stream(application.application_id),
            actor,
            "review.decided",
            at,
            request.reason,
            {"decision": request.decision, "principalReasons": reasons},
        )
        await record(connection, entry)
        moved = await move_application(
            connection,
            application,
            result,
            at=at,
            actor=actor,
            new_id=self._fresh_id,
            metadata={"decidedBy": "underwriter", "principalReasons": reasons},
        )
        if result is ApplicationStatus.APPROVED:
            await request_payment(
                connection,
                moved,
                approved_by=caller.subject,
                source=SOURCE,
                at=at,
                event_id=self._fresh_id(),
            )
