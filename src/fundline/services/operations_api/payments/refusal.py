"""A person refuses the release of a payment: it ends, nothing was ever sent, and the applicant is told."""

from typing import Any
from uuid import UUID

from fundline.domain.application import ApplicationStatus
from fundline.domain.payment import PaymentState, change_state
from fundline.domain.review_reasons import RELEASE_REFUSED, reasons_as_json
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.database.outbox import store_events
from fundline.platform.identity import Caller
from fundline.platform.telemetry.logs import get_log
from fundline.records.payment_request import payment_completed
from fundline.records.status import LockedApplication, move_application
from fundline.services.operations_api.four_eyes import ACTOR, actor_of, require_uninvolved
from fundline.services.operations_api.payments import store
from fundline.services.operations_api.payments.answers import Payment, payment_of
from fundline.services.operations_api.payments.waiting import locked_and_waiting, put_on_record


class ReleaseRefusals:
    def __init__(self, database: Database, *, now: Clock = utc_now, fresh_id: NewId = new_id) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._log = get_log()

    async def refuse(self, caller: Caller, application_id: UUID, reason: str, once: Once[Payment]) -> Payment:
        """The payment, failed. No money moves, so that one person is enough; not the applicant.

        Raises SecondPersonNeeded, PaymentNotFound, NotWaitingForRelease, and what `once.write` raises.
        """

        async def work(connection: Connection) -> Payment:
            application, payment = await locked_and_waiting(connection, application_id)
            require_uninvolved(caller, first=None, applicant=application.user_id)
            await self._refuse(connection, caller, application, payment, reason)
            return payment_of(await store.lock_payment(connection, application_id))

        payment = await once.write(self._database, work)
        self._log.info(
            "payment.release_refused",
            application_id=str(payment.application_id),
            payment_id=str(payment.payment_id),
            **{"user.id": caller.subject},
        )
        return payment

    async def _refuse(
        self,
        connection: Connection,
        caller: Caller,
        application: LockedApplication,
        payment: Any,
        reason: str,
    ) -> None:
        at, payment_id = self._now(), payment["payment_id"]
        reached = change_state(PaymentState(payment["state"]), PaymentState.FAILED)
        await store.refuse(connection, payment_id, reached, failure_code=RELEASE_REFUSED.code, at=at)
        await move_application(
            connection,
            application,
            ApplicationStatus.FAILED,
            at=at,
            actor=actor_of(caller),
            new_id=self._fresh_id,
            metadata={
                "paymentId": str(payment_id),
                "failureCode": RELEASE_REFUSED.code,
                "principalReasons": reasons_as_json([RELEASE_REFUSED]),
            },
        )
        event = payment_completed(
            application,
            payment_id,
            "failed",
            failure_code=RELEASE_REFUSED.code,
            source=ACTOR,
            at=at,
            event_id=self._fresh_id(),
        )
        await store_events(connection, [event])
        await put_on_record(
            connection,
            caller,
            payment,
            {"refusedBy": caller.subject, "failureCode": RELEASE_REFUSED.code},
            action="payment.release_refused",
            resolution=f"Refused: {reason}",
            reason=reason,
            at=at,
        )
