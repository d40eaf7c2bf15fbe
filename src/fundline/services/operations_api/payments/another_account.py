"""A payment has failed for the account's sake: a person asks the applicant for another account. Nothing is paid yet."""

from typing import Any
from uuid import UUID

from fundline.domain.application import ApplicationStatus
from fundline.domain.payment import ACCOUNT_FAILURES, PaymentState
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.platform.refusals import Kind, Refusal
from fundline.platform.telemetry.logs import get_log
from fundline.records.audit_streams import application_stream
from fundline.records.status import LockedApplication, move_application
from fundline.services.operations_api.four_eyes import actor_of, require_uninvolved
from fundline.services.operations_api.payments.answers import Payment, payment_of
from fundline.services.operations_api.payments.waiting import locked_payment


class AccountNotAtFault(Refusal):
    kind = Kind.CONFLICT
    code = "account-not-at-fault"
    title = "Another account does not help this payment"


class AccountRequests:
    def __init__(self, database: Database, *, now: Clock = utc_now, fresh_id: NewId = new_id) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._log = get_log()

    async def ask(self, caller: Caller, application_id: UUID, reason: str, once: Once[Payment]) -> Payment:
        """The payment, which stays failed; its application needs an account, and the applicant is told the reason.

        Raises SecondPersonNeeded for the applicant, PaymentNotFound, AccountNotAtFault, and what `once.write` raises.
        """

        async def work(connection: Connection) -> Payment:
            application, payment = await locked_payment(connection, application_id)
            require_uninvolved(caller, first=None, applicant=application.user_id)
            _require_the_account_at_fault(application, payment)
            await self._ask(connection, caller, application, payment, reason)
            return payment_of(payment)

        payment = await once.write(self._database, work)
        self._log.info(
            "payment.account_asked",
            application_id=str(payment.application_id),
            payment_id=str(payment.payment_id),
            **{"user.id": caller.subject},
        )
        return payment

    async def _ask(
        self,
        connection: Connection,
        caller: Caller,
        application: LockedApplication,
        payment: Any,
        reason: str,
    ) -> None:
        at, actor = self._now(), actor_of(caller)
        details = {"paymentId": str(payment["payment_id"]), "failureCode": payment["failure_code"]}
        stream = application_stream(application.application_id)
        await record(connection, AuditEntry(stream, actor, "payment.account_asked", at, reason, details))
        await move_application(
            connection,
            application,
            ApplicationStatus.ACCOUNT_NEEDED,
            at=at,
            actor=actor,
            new_id=self._fresh_id,
            metadata=details,
        )


def _require_the_account_at_fault(application: LockedApplication, payment: Any) -> None:
    """Raises AccountNotAtFault."""
    if application.status is ApplicationStatus.ACCOUNT_NEEDED:
        raise AccountNotAtFault("The applicant was asked for another account already.")
    if payment["state"] != PaymentState.FAILED:
        raise AccountNotAtFault(f"It is {payment['state']}.")
    if payment["failure_code"] not in ACCOUNT_FAILURES:
        known = ", ".join(sorted(ACCOUNT_FAILURES))
        raise AccountNotAtFault(
            f"It failed with {payment['failure_code']}; another account helps after {known}."
        )
