"""A payment that waits for a second person, locked for whoever releases or refuses it."""

from typing import Any
from uuid import UUID

from fundline.platform.database import Connection
from fundline.platform.refusals import Kind, Refusal
from fundline.records.status import LockedApplication, UnknownApplication, lock_application
from fundline.services.operations_api.payments import store
from fundline.services.operations_api.payments.answers import waits_for_release
from fundline.services.operations_api.payments.reading import PaymentNotFound


class NotWaitingForRelease(Refusal):
    kind = Kind.CONFLICT
    code = "not-waiting-for-release"
    title = "The payment does not wait for a second person"


async def locked_and_waiting(connection: Connection, application_id: UUID) -> tuple[LockedApplication, Any]:
    """The application and its payment's row. Raises PaymentNotFound, NotWaitingForRelease."""
    try:
        application = await lock_application(connection, application_id)
    except UnknownApplication:
        raise PaymentNotFound from None
    payment = await store.lock_payment(connection, application_id)
    if payment is None:
        raise PaymentNotFound
    if not waits_for_release(payment):
        raise NotWaitingForRelease(_why(payment))
    return application, payment


def _why(payment: Any) -> str:
    if payment["released_by"] is not None:
        return f"{payment['released_by']} has released it already."
    if payment["state"] == "requested":
        return "Its amount needs no second person; it is sent as soon as payments may be sent."
    return f"It is {payment['state']}."
