"""What the operations API reads and answers about payments."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fundline.contracts.payloads import iso_utc
from fundline.domain.disbursement import DisbursementState
from fundline.domain.money import Money


class DisbursementQuery(BaseModel):
    """`before`: the application of the last payment of the page before. `waitsForRelease`: for a second person."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    before: UUID | None = None
    state: DisbursementState | None = None
    waits_for_release: Annotated[bool | None, Field(alias="waitsForRelease")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ReleaseRequest(BaseModel):
    """Why it may be paid; kept with the payment and in the audit trail."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
    reason: Annotated[str, Field(min_length=3, max_length=500)]


def waits_for_release(row: Any) -> bool:
    is_open = row["state"] == DisbursementState.REQUESTED.value
    return is_open and row["needs_release"] and row["released_by"] is None


def disbursement_view(row: Any) -> dict[str, Any]:
    """The account is in none of its forms part of it."""
    return {
        "applicationId": str(row["application_id"]),
        "paymentId": str(row["payment_id"]),
        "amount": Money(row["amount_minor"], row["currency"]).text(),
        "currency": row["currency"],
        "state": row["state"],
        "approvedBy": row["approved_by"],
        "needsRelease": row["needs_release"],
        "waitsForRelease": waits_for_release(row),
        "releasedBy": row["released_by"],
        "releasedAt": _moment(row["released_at"]),
        "releaseReason": row["release_reason"],
        "openedAt": _moment(row["created_at"]),
        "requestedAt": _moment(row["requested_at"]),
        "submittedAt": _moment(row["submitted_at"]),
        "unknownSince": _moment(row["unknown_since"]),
        "nextStepAt": _moment(row["next_step_at"]),
        "steps": row["steps"],
        "escalatedAt": _moment(row["escalated_at"]),
        "finishedAt": _moment(row["finished_at"]),
        "transactionId": row["transaction_id"],
        "failureCode": row["failure_code"],
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else iso_utc(at)
