"""A second person releases a payment above its currency's limit. One transaction: key, release, trigger, case, audit.

Both people are known by the subjects of their tokens; that they differ is held by the database too.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from fundline.casefile.cases import CaseKind, settle_case
from fundline.casefile.payout import NotApproved, request_disbursement
from fundline.casefile.recorded_tables import DISBURSEMENTS
from fundline.casefile.status import UnknownApplication, lock_application
from fundline.domain.release import NotASecondPerson, require_second_person
from fundline.platform.audit.rows import ROWS, read_rows
from fundline.platform.audit.trail import AuditEntry, application_stream, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import StoredAnswer, WriteKey, write_once
from fundline.platform.http.requests import parse_body
from fundline.platform.identity import Caller, Role
from fundline.platform.refusals import Kind, Refusal
from fundline.platform.telemetry.logs import get_log
from fundline.services.operations_api import disbursement_store as store
from fundline.services.operations_api.disbursement_schemas import (
    ReleaseRequest,
    disbursement_view,
    waits_for_release,
)
from fundline.services.operations_api.disbursements import DisbursementNotFound, application_id_of
from fundline.services.operations_api.four_eyes import ACTOR, SecondPersonNeeded, actor_of

EVENT_ARRIVES_WITHIN = timedelta(minutes=1)
"""After that the workers' sweep takes the payment up, whatever became of the event."""


class NotWaitingForRelease(Refusal):
    kind = Kind.CONFLICT
    code = "not-waiting-for-release"
    title = "The payment does not wait for a second person"


class Releases:
    def __init__(self, database: Database, *, now: Clock = utc_now, fresh_id: NewId = new_id) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._log = get_log()

    async def release(self, caller: Caller, key: WriteKey, text: str, body: bytes) -> StoredAnswer:
        """200 and the payment, which is sent in a moment. Role: operator, neither its approver nor its applicant.

        Raises Forbidden, SecondPersonNeeded, DisbursementNotFound, NotWaitingForRelease, KeyReused, RecordBusy.
        """
        caller.require(Role.OPERATOR)
        reason = parse_body(ReleaseRequest, body).reason
        application_id = application_id_of(text)

        async def work(connection: Connection) -> tuple[int, bytes]:
            return 200, orjson.dumps(await self._release(connection, caller, application_id, reason))

        answer = await write_once(self._database, key, work)
        if not answer.is_replay:
            told = orjson.loads(answer.body)
            self._log.info(
                "payment.released",
                application_id=told["applicationId"],
                payment_id=told["paymentId"],
                **{"user.id": caller.subject},
            )
        return answer

    async def _release(
        self, connection: Connection, caller: Caller, application_id: UUID, reason: str
    ) -> dict[str, Any]:
        try:
            application = await lock_application(connection, application_id)
        except UnknownApplication:
            raise DisbursementNotFound from None
        payment = await store.lock_disbursement(connection, application_id)
        if payment is None:
            raise DisbursementNotFound
        approver, payment_id, at = payment["approved_by"], payment["payment_id"], self._now()
        if not waits_for_release(payment):
            raise NotWaitingForRelease(_why(payment))
        try:
            require_second_person(releaser=caller.subject, approver=approver, applicant=application.user_id)
            await store.release(
                connection,
                payment_id,
                released_by=caller.subject,
                at=at,
                reason=reason,
                next_step_at=at + EVENT_ARRIVES_WITHIN,
            )
            await request_disbursement(
                connection,
                application,
                approved_by=approver,
                source=ACTOR,
                at=at,
                event_id=self._fresh_id(),
            )
        except NotASecondPerson as same:
            raise SecondPersonNeeded(str(same)) from None
        except NotApproved as otherwise:
            raise NotWaitingForRelease(str(otherwise)) from None
        details = {
            "paymentId": str(payment_id),
            "approvedBy": approver,
            "releasedBy": caller.subject,
            ROWS: await read_rows(connection, DISBURSEMENTS, [payment_id]),
        }
        entry = AuditEntry(
            application_stream(application_id), actor_of(caller), "payment.released", at, reason, details
        )
        await record(connection, entry)
        await settle_case(
            connection,
            CaseKind.PAYMENT_RELEASE,
            str(payment_id),
            by=actor_of(caller),
            at=at,
            resolution=f"Released: {reason}",
        )
        return disbursement_view(await store.lock_disbursement(connection, application_id))


def _why(payment: Any) -> str:
    if payment["released_by"] is not None:
        return f"{payment['released_by']} has released it already."
    if payment["state"] == "requested":
        return "Its amount needs no second person; it is sent as soon as payments may be sent."
    return f"It is {payment['state']}."
