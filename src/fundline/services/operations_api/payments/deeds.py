"""A second person releases a payment above its currency's limit. One transaction: key, release, trigger, case, audit.

Both people are known by the subjects of their tokens; that they differ is held by the database too.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fundline.domain.release import NotASecondPerson, require_second_person
from fundline.platform.audit.rows import ROWS, read_rows
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.platform.telemetry.logs import get_log
from fundline.records.audit_streams import application_stream
from fundline.records.cases import CaseKind, settle_case
from fundline.records.payment_request import NotApproved, request_payment
from fundline.records.recorded_tables import PAYMENTS
from fundline.services.operations_api.four_eyes import ACTOR, SecondPersonNeeded, actor_of
from fundline.services.operations_api.payments import store
from fundline.services.operations_api.payments.answers import Payment, payment_of
from fundline.services.operations_api.payments.waiting import NotWaitingForRelease, locked_and_waiting

EVENT_ARRIVES_WITHIN = timedelta(minutes=1)
"""After that the workers' sweep takes the payment up, whatever became of the event."""


class Releases:
    def __init__(self, database: Database, *, now: Clock = utc_now, fresh_id: NewId = new_id) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._log = get_log()

    async def release(
        self, caller: Caller, application_id: UUID, reason: str, once: Once[Payment]
    ) -> Payment:
        """The payment, which is sent in a moment. Neither its approver nor its applicant may release it.

        Raises SecondPersonNeeded, PaymentNotFound, NotWaitingForRelease, and what `once.write` raises.
        """

        async def work(connection: Connection) -> Payment:
            return await self._release(connection, caller, application_id, reason)

        payment = await once.write(self._database, work)
        self._log.info(
            "payment.released",
            application_id=str(payment.application_id),
            payment_id=str(payment.payment_id),
            **{"user.id": caller.subject},
        )
        return payment

    async def _release(
        self, connection: Connection, caller: Caller, application_id: UUID, reason: str
    ) -> Payment:
        application, payment = await locked_and_waiting(connection, application_id)
        approver, payment_id, at = payment["approved_by"], payment["payment_id"], self._now()
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
            await request_payment(
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
        await _put_on_record(connection, caller, payment, reason=reason, at=at)
        return payment_of(await store.lock_payment(connection, application_id))


async def _put_on_record(
    connection: Connection, caller: Caller, payment: Any, *, reason: str, at: datetime
) -> None:
    """The audit entry of a release, and the end of its case."""
    payment_id = payment["payment_id"]
    details = {
        "paymentId": str(payment_id),
        "approvedBy": payment["approved_by"],
        "releasedBy": caller.subject,
        ROWS: await read_rows(connection, PAYMENTS, [payment_id]),
    }
    stream, actor = application_stream(payment["application_id"]), actor_of(caller)
    await record(connection, AuditEntry(stream, actor, "payment.released", at, reason, details))
    await settle_case(
        connection,
        CaseKind.PAYMENT_RELEASE,
        str(payment_id),
        by=actor,
        at=at,
        resolution=f"Released: {reason}",
    )
