"""What an underwriter may do with a referral, whatever it is: once per key, with the application's row locked."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from fundline.domain.application import ApplicationStatus
from fundline.domain.people import same_person
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once, RecordBusy
from fundline.platform.identity import Caller, Forbidden
from fundline.platform.refusals import Kind, Refusal
from fundline.records.status import LockedApplication, UnknownApplication, lock_application
from fundline.services.application_api.reading import ApplicationNotFound

Result = TypeVar("Result")


_MOVES_BY_ITSELF = {ApplicationStatus.PROCESSING, ApplicationStatus.RISK_SCORING}
"""It may be a referral in a moment: what is refused until then is not kept under its key."""


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


async def act_on_referral(
    database: Database,
    caller: Caller,
    application_id: UUID,
    once: Once[Result],
    work: Callable[[Connection, LockedApplication], Awaitable[Result]],
) -> Result:
    """Raises Forbidden, ApplicationNotFound, NotUnderReview, ApplicationBusy, and what `Once.write` raises."""

    async def act(connection: Connection) -> Result:
        try:
            application = await lock_application(connection, application_id)
        except UnknownApplication:
            raise ApplicationNotFound from None
        _check(caller, application)
        return await work(connection, application)

    try:
        return await once.write(database, act)
    except RecordBusy:
        raise ApplicationBusy from None


def _check(caller: Caller, application: LockedApplication) -> None:
    if same_person(application.user_id, caller.subject):
        raise Forbidden("An underwriter does not act on an application of their own.")
    if application.status is not ApplicationStatus.PENDING_REVIEW:
        raise NotUnderReview(
            f"The application is {application.status}; only a referral waits for a person.",
            retry_after_s=1 if application.status in _MOVES_BY_ITSELF else None,
        )
