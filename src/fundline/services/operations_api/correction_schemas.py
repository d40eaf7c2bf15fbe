"""What the doors of ledger corrections read and answer."""

from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from fundline.contracts.payloads import iso_utc

_ACCOUNT = Field(pattern=r"^[a-z0-9_]{1,63}$")


class _Body(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, alias_generator=to_camel
    )


class CorrectTransfer(_Body):
    """What should have been booked: an amount from the credited account to the debited one."""

    debit: Annotated[str, _ACCOUNT]
    credit: Annotated[str, _ACCOUNT]
    amount: Annotated[str, Field(max_length=24)]
    currency: Annotated[str, Field(max_length=3)]


class CorrectionRequest(_Body):
    """Reverse the transfer; `instead` stands in its place, or nothing does."""

    transfer_id: UUID
    reason: Annotated[str, Field(min_length=3, max_length=500)]
    instead: CorrectTransfer | None = None


class CorrectionDecision(_Body):
    """Why it is agreed to, or not; kept in the audit trail."""

    reason: Annotated[str, Field(min_length=3, max_length=500)]


class CorrectionQuery(BaseModel):
    """`before`: the id of the last correction of the page before."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    before: UUID | None = None
    state: Literal["proposed", "booked", "withdrawn"] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


def correction_view(row: Any) -> dict[str, Any]:
    decided_at, reversal_id = row["decided_at"], row["reversal_id"]
    return {
        "id": str(row["correction_id"]),
        "transferId": str(row["transfer_id"]),
        "paymentId": str(row["payment_id"]),
        "purpose": row["purpose"],
        "instead": None if row["instead"] is None else orjson.loads(row["instead"]),
        "reason": row["reason"],
        "state": row["state"],
        "requestedBy": row["requested_by"],
        "requestedAt": iso_utc(row["requested_at"]),
        "decidedBy": row["decided_by"],
        "decidedAt": None if decided_at is None else iso_utc(decided_at),
        "reversalId": None if reversal_id is None else str(reversal_id),
    }
