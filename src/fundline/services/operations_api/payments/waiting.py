"""A payment that waits for a second person: locked for whoever answers, and what is put on record with the answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from fundline.domain.application import ApplicationStatus
from fundline.domain.payment import PaymentState
from fundline.platform.audit.rows import ROWS, read_rows
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.database import Connection
from fundline.platform.identity import Caller
from fundline.platform.refusals import Kind, Refusal
from fundline.records.audit_streams import application_stream
from fundline.records.cases import CaseKind, settle_case
from fundline.records.recorded_tables import PAYMENTS
from fundline.records.status import LockedApplication, UnknownApplication, lock_application
from fundline.services.operations_api.four_eyes import actor_of
from fundline.services.operations_api.payments import store
from fundline.services.operations_api.payments.answers import waits_for_release
from fundline.services.operations_api.payments.reading import PaymentNotFound


class NotWaitingForRelease(Refusal):
    kind = Kind.CONFLICT
    code = "not-waiting-for-release"
    title = "The payment does not wait for a second person"


async def locked_payment(connection: Connection, application_id: UUID) -> tuple[LockedApplication, Any]:
    """The application and its payment's row. Raises PaymentNotFound."""
    try:
        application = await lock_application(connection, application_id)
    except UnknownApplication:
        raise PaymentNotFound from None
    payment = await store.lock_payment(connection, application_id)
    if payment is None and application.status is ApplicationStatus.APPROVED:
        raise NotWaitingForRelease("It is about to be asked for.", retry_after_s=1)
    if payment is None:
        raise PaymentNotFound
    return application, payment


async def locked_and_waiting(connection: Connection, application_id: UUID) -> tuple[LockedApplication, Any]:
    """The same of one that waits. Raises PaymentNotFound, NotWaitingForRelease."""
    application, payment = await locked_payment(connection, application_id)
    if not waits_for_release(payment):
        is_on_its_way = payment["state"] == PaymentState.EXPECTED.value
        raise NotWaitingForRelease(_why(payment), retry_after_s=1 if is_on_its_way else None)
    return application, payment


async def put_on_record(
    connection: Connection,
    caller: Caller,
    payment: Any,
    answer: Mapping[str, str],
    *,
    action: str,
    resolution: str,
    reason: str,
    at: datetime,
) -> None:
    """The audit entry, and the end of the case. `answer`: what the entry says beside payment and approver."""
    payment_id, actor = payment["payment_id"], actor_of(caller)
    details = {
        "paymentId": str(payment_id),
        "approvedBy": payment["approved_by"],
        **answer,
        ROWS: await read_rows(connection, PAYMENTS, [payment_id]),
    }
    stream = application_stream(payment["application_id"])
    await record(connection, AuditEntry(stream, actor, action, at, reason, details))
    await settle_case(
        connection, CaseKind.PAYMENT_RELEASE, str(payment_id), by=actor, at=at, resolution=resolution
    )


def _why(payment: Any) -> str:
    if payment["released_by"] is not None:
        return f"{payment['released_by']} has released it already."
    if payment["state"] == "requested":
        return "Its amount needs no second person; it is sent as soon as payments may be sent."
    return f"It is {payment['state']}."
