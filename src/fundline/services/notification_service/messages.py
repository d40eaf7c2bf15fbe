"""What is said: bodies of webhooks and the figures that mails are filled with. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson

from fundline.contracts.payloads import DisbursementCompleted, StatusUpdated, iso_utc
from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money

LARGEST_BODY_BYTES = 20_000
"""Standard Webhooks: payloads are to be smaller than 20 kB."""
AFTER_ALL_STATUSES = 2**31 - 1
"""Place of a payment's result: behind every status of its application that still waits."""


class WebhookType(StrEnum):
    STATUS_UPDATED = "application.status_updated"
    DISBURSEMENT_COMPLETED = "disbursement.completed"
    TEST = "webhook.test"


class MailKind(StrEnum):
    """Each has a template for text and one for HTML."""

    RECEIVED = "received"
    APPROVED = "approved"
    REJECTED = "rejected"
    REFERRED = "referred"
    PAID = "paid"
    PAYMENT_FAILED = "payment_failed"
    ENDPOINT_DISABLED = "endpoint_disabled"


MAIL_OF_STATUS: Mapping[ApplicationStatus, MailKind] = {
    ApplicationStatus.PROCESSING: MailKind.RECEIVED,
    ApplicationStatus.APPROVED: MailKind.APPROVED,
    ApplicationStatus.REJECTED: MailKind.REJECTED,
    ApplicationStatus.PENDING_REVIEW: MailKind.REFERRED,
}
"""`disbursed` and `failed` are told by `disbursement.completed`, which knows the payment."""
MAIL_OF_RESULT: Mapping[str, tuple[ApplicationStatus, MailKind]] = {
    "completed": (ApplicationStatus.DISBURSED, MailKind.PAID),
    "failed": (ApplicationStatus.FAILED, MailKind.PAYMENT_FAILED),
}
MAILED_STATUSES = (*MAIL_OF_STATUS, ApplicationStatus.DISBURSED, ApplicationStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Subject:
    """The application that an event is about, from the primary."""

    application_id: UUID
    tracking_id: str
    owner: str
    business_name: str
    amount: Money
    underwriter_reason: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """What an event becomes, whoever is told. `mail` is None when no mail is written about it."""

    subject: Subject
    place: int
    webhook_type: WebhookType
    webhook_body: str
    mail: MailKind | None
    mail_status: ApplicationStatus
    """What the subscriber must want to be told about."""
    mail_facts: str


def of_status(payload: StatusUpdated, subject: Subject) -> Told:
    status = ApplicationStatus(payload.status)
    data = {
        "applicationId": str(payload.application_id),
        "trackingId": subject.tracking_id,
        "status": payload.status,
        "sequence": payload.sequence,
        "metadata": payload.metadata,
    }
    reasons = _reasons(payload.metadata, subject) if status in _WITH_REASONS else []
    return Told(
        subject=subject,
        place=payload.sequence,
        webhook_type=WebhookType.STATUS_UPDATED,
        webhook_body=webhook_body(WebhookType.STATUS_UPDATED, payload.timestamp, data),
        mail=MAIL_OF_STATUS.get(status),
        mail_status=status,
        mail_facts=mail_facts(subject, reasons=reasons),
    )


def of_result(payload: DisbursementCompleted, subject: Subject) -> Told:
    status, mail = MAIL_OF_RESULT[payload.status]
    data = {
        "applicationId": str(payload.application_id),
        "trackingId": subject.tracking_id,
        "paymentId": str(payload.payment_id),
        "status": payload.status,
        "transactionId": payload.transaction_id,
        "amount": payload.amount,
        "currency": payload.currency,
        "error": payload.error,
    }
    return Told(
        subject=subject,
        place=AFTER_ALL_STATUSES,
        webhook_type=WebhookType.DISBURSEMENT_COMPLETED,
        webhook_body=webhook_body(WebhookType.DISBURSEMENT_COMPLETED, payload.timestamp, data),
        mail=mail,
        mail_status=status,
        mail_facts=mail_facts(subject, transaction_id=payload.transaction_id),
    )


def webhook_body(kind: WebhookType, at: datetime, data: dict[str, Any]) -> str:
    """JSON as it is signed and sent, to the byte. Metadata that makes it too large is left out."""
    body = orjson.dumps({"type": kind.value, "timestamp": iso_utc(at), "data": data})
    if len(body) > LARGEST_BODY_BYTES and data.get("metadata"):
        return webhook_body(kind, at, {**data, "metadata": {}})
    return body.decode()


def mail_facts(subject: Subject, *, reasons: Sequence[str] = (), transaction_id: str | None = None) -> str:
    facts = {
        "tracking_id": subject.tracking_id,
        "business_name": subject.business_name,
        "amount": readable(subject.amount),
        "reasons": list(reasons),
        "transaction_id": transaction_id,
    }
    return orjson.dumps(facts).decode()


def readable(amount: Money) -> str:
    """`USD 50,000.00`, `JPY 7,500,000`: as many decimals as the currency has."""
    whole, point, decimals = amount.text().partition(".")
    return f"{amount.currency} {int(whole):,}{point}{decimals}"


_WITH_REASONS = frozenset({ApplicationStatus.REJECTED, ApplicationStatus.PENDING_REVIEW})


def _reasons(metadata: Mapping[str, Any], subject: Subject) -> list[str]:
    """Sentences: of the policy's decision, or of the underwriter who made it."""
    if metadata.get("decidedBy") == "underwriter":
        return [subject.underwriter_reason] if subject.underwriter_reason else []
    reasons = metadata.get("principalReasons")
    listed = reasons if isinstance(reasons, list) else []
    return [str(one["sentence"]) for one in listed if isinstance(one, dict) and "sentence" in one]
