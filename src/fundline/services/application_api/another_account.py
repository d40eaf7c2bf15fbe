"""The applicant names another account: the failed payment is replaced, and another is asked for. One transaction."""

from typing import Any
from uuid import UUID

from fundline.domain.application import ApplicationStatus
from fundline.domain.people import same_person
from fundline.platform.audit.rows import ROWS, merged, read_rows
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once, RecordBusy
from fundline.platform.identity import Caller
from fundline.platform.refusals import FieldError, InvalidRequest, Kind, Refusal
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.logs import get_log
from fundline.records.accounts import PayoutAccount
from fundline.records.application_record import SealedAccount, sealed_account
from fundline.records.audit_streams import application_stream
from fundline.records.payment_request import request_payment
from fundline.records.recorded_tables import APPLICATIONS, PAYMENTS
from fundline.records.status import LockedApplication, UnknownApplication, lock_application, move_application
from fundline.services.application_api import store
from fundline.services.application_api.answers import Paying
from fundline.services.application_api.reading import ApplicationNotFound
from fundline.services.application_api.referral import ApplicationBusy
from fundline.services.application_api.schemas import AccountRequest, account_error
from fundline.services.application_api.submission import SOURCE


class NoAccountNeeded(Refusal):
    kind = Kind.CONFLICT
    code = "no-account-needed"
    title = "The application needs no other account"


class AnotherAccount:
    def __init__(
        self, database: Database, box: SecretBox, *, now: Clock = utc_now, fresh_id: NewId = new_id
    ) -> None:
        self._database, self._box = database, box
        self._now, self._fresh_id = now, fresh_id
        self._log = get_log()

    async def name(
        self, caller: Caller, application_id: UUID, request: AccountRequest, once: Once[Paying]
    ) -> Paying:
        """It is paid to that account. Raises InvalidRequest, ApplicationNotFound for an application of somebody else,
        NoAccountNeeded, ApplicationBusy, and what `once.write` raises.
        """

        async def work(connection: Connection) -> Paying:
            application = await self._needing_one(connection, caller, application_id)
            account = self._sealed(application, request.payout_account)
            await self._name(connection, caller, application, account)
            return Paying(id=application_id, status="approved")

        try:
            paying = await once.write(self._database, work)
        except RecordBusy:
            raise ApplicationBusy from None
        self._log.info(
            "payment.account_named", application_id=str(application_id), **{"user.id": caller.subject}
        )
        return paying

    async def _needing_one(
        self, connection: Connection, caller: Caller, application_id: UUID
    ) -> LockedApplication:
        try:
            application = await lock_application(connection, application_id)
        except UnknownApplication:
            raise ApplicationNotFound from None
        if not same_person(application.user_id, caller.subject):
            raise ApplicationNotFound
        if application.status is not ApplicationStatus.ACCOUNT_NEEDED:
            raise NoAccountNeeded(
                f"The application is {application.status}; nobody has asked for an account."
            )
        return application

    def _sealed(self, application: LockedApplication, account: PayoutAccount) -> SealedAccount:
        """Raises InvalidRequest."""
        if sentence := account_error(account, application.amount.currency):
            raise InvalidRequest("Nothing was stored.", errors=[FieldError("payoutAccount.type", sentence)])
        return sealed_account(account, application.application_id, self._box)

    async def _name(
        self, connection: Connection, caller: Caller, application: LockedApplication, account: SealedAccount
    ) -> None:
        at, actor = self._now(), f"{SOURCE}:{caller.subject}"
        failed = await self._replace(connection, application.application_id, account)
        rows = merged(
            await read_rows(connection, APPLICATIONS, [application.application_id]),
            await read_rows(connection, PAYMENTS, [failed["payment_id"]]),
        )
        details = {"paymentId": str(failed["payment_id"]), ROWS: rows}
        stream = application_stream(application.application_id)
        await record(connection, AuditEntry(stream, actor, "payment.account_named", at, details=details))
        moved = await move_application(
            connection,
            application,
            ApplicationStatus.APPROVED,
            at=at,
            actor=actor,
            new_id=self._fresh_id,
            metadata={"anotherAccount": True},
        )
        await request_payment(
            connection,
            moved,
            approved_by=failed["approved_by"],
            source=SOURCE,
            at=at,
            event_id=self._fresh_id(),
        )

    async def _replace(self, connection: Connection, application_id: UUID, account: SealedAccount) -> Any:
        """The payment that had failed. Raises InvalidRequest for the account that it failed with."""
        if not await store.name_account(connection, application_id, account):
            same = FieldError("payoutAccount", "This is the account that could not be paid.")
            raise InvalidRequest("Nothing was stored.", errors=[same])
        return await store.replace_payment(connection, application_id, self._now())
