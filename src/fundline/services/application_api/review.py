"""An underwriter decides a referral. One transaction: key, decision, status, and the payment's trigger."""

from uuid import UUID

import orjson

from fundline.casefile.payout import request_disbursement
from fundline.casefile.status import UnknownApplication, lock_application, move_application
from fundline.domain.application import ApplicationStatus
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Database, RowBusy
from fundline.platform.database.idempotency import (
    StoredAnswer,
    WriteKey,
    claim,
    stored_answer,
)
from fundline.platform.http.requests import parse_body
from fundline.platform.http.tokens import Caller, Forbidden, Role
from fundline.platform.refusals import Kind, Refusal
from fundline.platform.telemetry.logs import get_log
from fundline.services.application_api import store
from fundline.services.application_api.reading import ApplicationNotFound, application_id_of
from fundline.services.application_api.schemas import DecisionRequest
from fundline.services.application_api.submission import SOURCE

_RESULT = {"approve": ApplicationStatus.APPROVED, "reject": ApplicationStatus.REJECTED}


class NotUnderReview(Refusal):
    kind = Kind.CONFLICT
    code = "not-under-review"
    title = "The application is not waiting for an underwriter"


class ApplicationBusy(Refusal):
    kind = Kind.CONFLICT
    code = "application-busy"
    title = "The application is being changed by somebody else"

    def __init__(self) -> None:
        super().__init__("Repeat the request in a moment, with the same Idempotency-Key.", retry_after_s=1)


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
        try:
            is_new = await self._decide(caller, key, application_id, request, result, answer)
        except RowBusy:
            raise ApplicationBusy from None
        except UnknownApplication:
            raise ApplicationNotFound from None
        if not is_new:
            return await stored_answer(self._database, key)
        self._log.info(
            "application.reviewed",
            application_id=str(application_id),
            decision=request.decision,
            **{"user.id": caller.subject},
        )
        return StoredAnswer(200, answer, is_replay=False)

    async def _decide(
        self,
        caller: Caller,
        key: WriteKey,
        application_id: UUID,
        request: DecisionRequest,
        result: ApplicationStatus,
        answer: bytes,
    ) -> bool:
        at = self._now()
        async with self._database.transaction() as connection:
            if not await claim(connection, key, status=200, body=answer):
                return False
            application = await lock_application(connection, application_id)
            if application.user_id == caller.subject:
                raise Forbidden("An underwriter does not decide an application of their own.")
            if application.status is not ApplicationStatus.PENDING_REVIEW:
                raise NotUnderReview(
                    f"The application is {application.status}; only a referral can be decided."
                )
            await store.record_decision(
                connection,
                application_id,
                decision=request.decision,
                reason=request.reason,
                decided_by=caller.subject,
                at=at,
            )
            moved = await move_application(
                connection,
                application,
                result,
                at=at,
                actor=f"{SOURCE}:{caller.subject}",
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
        return True
