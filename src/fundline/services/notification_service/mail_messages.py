"""Which mail is written about what, and the figures that it is filled with. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import orjson

from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money
from fundline.services.notification_service.told import Subject, Told, ToldKind


class MailKind(StrEnum):
    """Each has a template for text and one for HTML."""

    RECEIVED = "received"
    APPROVED = "approved"
    REJECTED = "rejected"
    REFERRED = "referred"
    PAID = "paid"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_RETURNED = "payment_returned"
    ACCOUNT_NEEDED = "account_needed"
    ENDPOINT_DISABLED = "endpoint_disabled"
    CONFIRM_ADDRESS = "confirm_address"


MAIL_OF_STATUS: Mapping[ApplicationStatus, MailKind] = {
    ApplicationStatus.PROCESSING: MailKind.RECEIVED,
    ApplicationStatus.APPROVED: MailKind.APPROVED,
    ApplicationStatus.REJECTED: MailKind.REJECTED,
    ApplicationStatus.PENDING_REVIEW: MailKind.REFERRED,
    ApplicationStatus.RETURNED: MailKind.PAYMENT_RETURNED,
    ApplicationStatus.ACCOUNT_NEEDED: MailKind.ACCOUNT_NEEDED,
}
MAIL_OF_RESULT: Mapping[ApplicationStatus, MailKind] = {
    ApplicationStatus.DISBURSED: MailKind.PAID,
    ApplicationStatus.FAILED: MailKind.PAYMENT_FAILED,
}
"""`disbursed` and `failed` are told by `disbursement.completed`, which knows the payment."""
MAILED_STATUSES = (*MAIL_OF_STATUS, *MAIL_OF_RESULT)


def mail_about(told: Told) -> MailKind | None:
    """None: no mail is written about it."""
    mails = MAIL_OF_STATUS if told.kind is ToldKind.STATUS_UPDATED else MAIL_OF_RESULT
    return mails.get(told.status)


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
