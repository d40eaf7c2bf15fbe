"""What an event says, before anybody decides whom to tell it and how. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from fundline.contracts.payloads import DisbursementCompleted, StatusUpdated
from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money
from fundline.domain.review_reasons import RELEASE_REFUSED

AFTER_ALL_STATUSES = 2**31 - 1
"""Place of a payment's result: behind every status of its application that still waits."""
_STATUS_OF_RESULT = {"completed": ApplicationStatus.DISBURSED, "failed": ApplicationStatus.FAILED}
_WITH_REASONS = frozenset({ApplicationStatus.REJECTED, ApplicationStatus.PENDING_REVIEW})


class ToldKind(StrEnum):
    STATUS_UPDATED = "application.status_updated"
    DISBURSEMENT_COMPLETED = "disbursement.completed"


@dataclass(frozen=True, slots=True)
class Subject:
    """The application that an event is about, from the primary."""

    application_id: UUID
    tracking_id: str
    owner: str
    business_name: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Told:
    """The same for every channel. `place`: the order among what is told of one application."""

    kind: ToldKind
    subject: Subject
    place: int
    at: datetime
    status: ApplicationStatus
    """Of the application, now."""
    data: Mapping[str, Any]
    """As it is shown to programs."""
    reasons: tuple[str, ...] = ()
    """Sentences, where the decision has some."""
    transaction_id: str | None = None
    """Of a payment that was made."""


def of_status(payload: StatusUpdated, subject: Subject) -> Told:
    status = ApplicationStatus(payload.status)
    return Told(
        ToldKind.STATUS_UPDATED,
        subject,
        place=payload.sequence,
        at=payload.timestamp,
        status=status,
        data={
            "applicationId": str(payload.application_id),
            "trackingId": subject.tracking_id,
            "status": payload.status,
            "sequence": payload.sequence,
            "metadata": payload.metadata,
        },
        reasons=_reasons(payload.metadata) if status in _WITH_REASONS else (),
    )


def of_result(payload: DisbursementCompleted, subject: Subject) -> Told:
    return Told(
        ToldKind.DISBURSEMENT_COMPLETED,
        subject,
        place=AFTER_ALL_STATUSES,
        at=payload.timestamp,
        status=_STATUS_OF_RESULT[payload.status],
        data={
            "applicationId": str(payload.application_id),
            "trackingId": subject.tracking_id,
            "paymentId": str(payload.payment_id),
            "status": payload.status,
            "transactionId": payload.transaction_id,
            "amount": payload.amount,
            "currency": payload.currency,
            "error": payload.error,
        },
        reasons=(RELEASE_REFUSED.sentence,) if payload.error == RELEASE_REFUSED.code else (),
        transaction_id=payload.transaction_id,
    )


def _reasons(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Of whoever decided, the policy or an underwriter."""
    reasons = metadata.get("principalReasons")
    listed = reasons if isinstance(reasons, list) else []
    return tuple(str(one["sentence"]) for one in listed if isinstance(one, dict) and "sentence" in one)
