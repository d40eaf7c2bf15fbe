"""A second person releases a payment above its currency's limit. One transaction: key, release, trigger, case, audit.

Both people are known by the subjects of their tokens; that they differ is held by the database too.
"""

from datetime import timedelta
from uuid import UUID

from fundline.domain.release import NotASecondPerson, require_second_person
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.platform.telemetry.logs import get_log
from fundline.records.payment_request import NotApproved, request_payment
from fundline.services.operations_api.four_eyes import ACTOR, SecondPersonNeeded
from fundline.services.operations_api.payments import store
from fundline.services.operations_api.payments.answers import Payment, payment_of
from fundline.services.operations_api.payments.waiting import (
    NotWaitingForRelease,
    locked_and_waiting,
    put_on_record,
)

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
        await put_on_record(
            connection,
            caller,
            payment,
            {"releasedBy": caller.subject},
            action="payment.released",
            resolution=f"Released: {reason}",
            reason=reason,
            at=at,
        )
        return payment_of(await store.lock_payment(connection, application_id))
