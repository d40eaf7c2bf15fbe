"""The events of a payment: `disbursement.requested` is its only trigger, `disbursement.completed` tells its result."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fundline.contracts.payloads import DisbursementCompleted, DisbursementRequested
from fundline.contracts.topics import DISBURSEMENT_COMPLETED, DISBURSEMENT_REQUESTED
from fundline.domain.application import ApplicationStatus
from fundline.platform.database import Connection
from fundline.platform.database.outbox import OutboxRow, outbox_row, store_events
from fundline.records.status import LockedApplication


class NotApproved(ValueError):
    """A payment was asked for an application that is not approved."""


async def request_payment(
    connection: Connection,
    application: LockedApplication,
    *,
    approved_by: str,
    source: str,
    at: datetime,
    event_id: UUID,
) -> None:
    """`approved_by`: the underwriter's subject, or the policy's version. Raises NotApproved."""
    if application.status is not ApplicationStatus.APPROVED:
        raise NotApproved(f"the application is {application.status}, not approved")
    payload = DisbursementRequested(
        application_id=application.application_id,
        amount=application.amount.text(),
        currency=application.amount.currency,
        timestamp=at,
        approved_by=approved_by,
    )
    event = outbox_row(
        DISBURSEMENT_REQUESTED,
        payload,
        key=application.application_id,
        event_id=event_id,
        source=source,
        at=at,
    )
    await store_events(connection, [event])


def payment_completed(
    application: LockedApplication,
    payment_id: UUID,
    status: Literal["completed", "failed"],
    *,
    transaction_id: str | None = None,
    failure_code: str | None = None,
    source: str,
    at: datetime,
    event_id: UUID,
) -> OutboxRow:
    """`disbursement.completed`, whoever has ended the payment."""
    payload = DisbursementCompleted(
        application_id=application.application_id,
        status=status,
        transaction_id=transaction_id,
        timestamp=at,
        error=failure_code,
        payment_id=payment_id,
        amount=application.amount.text(),
        currency=application.amount.currency,
    )
    return outbox_row(
        DISBURSEMENT_COMPLETED,
        payload,
        key=application.application_id,
        event_id=event_id,
        source=source,
        at=at,
    )
