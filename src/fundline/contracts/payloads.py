"""Payload of each topic: JSON, camelCase, amounts as decimal strings, times ISO 8601 UTC.

Fields may be added, never removed or retyped; readers ignore fields they do not know.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel


def iso_utc(moment: datetime) -> str:
    """`2026-11-23T10:15:00.123456Z`: UTC, microseconds, always the same width, so text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


Timestamp = Annotated[datetime, PlainSerializer(iso_utc, return_type=str, when_used="json")]
DecimalText = Annotated[str, Field(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$")]
AmountText = Annotated[str, Field(pattern=r"^[0-9]{1,15}(\.[0-9]{1,6})?$", examples=["50000.00"])]
"""An amount of money that somebody is shown; never below zero."""
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Status = Literal[
    "processing",
    "risk_scoring",
    "approved",
    "rejected",
    "pending_review",
    "disbursed",
    "failed",
    "returned",
    "account_needed",
]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""From 1; its columns are `integer`."""
Verdict = Literal["approved", "rejected", "pending_review"]


KEY_FIELD = "application_id"
"""What the key of every message is: the name of its field in payloads, and in log lines about a message."""


class Payload(BaseModel):
    """Base of all payloads: camelCase on the wire, unknown fields ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        ser_json_timedelta="float",
    )

    @property
    def key(self) -> str:
        return str(getattr(self, KEY_FIELD, ""))

    def wire(self) -> bytes:
        return self.model_dump_json(by_alias=True).encode()


class ApplicationCreated(Payload):
    """An application was accepted and stored."""

    application_id: UUID
    user_id: str
    amount: DecimalText
    currency: Currency
    timestamp: Timestamp
    metadata: dict[str, Any] = Field(default_factory=dict)


class RiskScoringRequested(Payload):
    """Command: score this application. The only trigger of a score."""

    application_id: UUID
    amount: DecimalText
    currency: Currency
    timestamp: Timestamp


class RiskScoringCompleted(Payload):
    """The score and the decision of the policy. `risk_score` is a probability of default, 0 to 1.

    Nothing could be scored: 1.0000 and the model version `none`; such an application is never approved.
    """

    application_id: UUID
    risk_score: DecimalText
    status: Verdict
    timestamp: Timestamp
    model_version: str
    policy_version: str
    principal_reasons: list[str] = Field(default_factory=list)
    assessment: Count = 1
    """2 and more: the application was scored again; the earlier assessment stays on record."""


class DisbursementRequested(Payload):
    """Command: pay this application out. The only trigger of a payment; never carries the account."""

    application_id: UUID
    amount: DecimalText
    currency: Currency
    timestamp: Timestamp
    approved_by: str


class DisbursementCompleted(Payload):
    """The payment has a final result. `transaction_id` is the bank's; None when the bank refused."""

    application_id: UUID
    status: Literal["completed", "failed"]
    transaction_id: str | None
    timestamp: Timestamp
    error: str | None = None
    payment_id: UUID
    amount: DecimalText
    currency: Currency


class StatusUpdated(Payload):
    """One change of an application's status. `sequence` starts at 1 and rises by one per change."""

    application_id: UUID
    status: Status
    timestamp: Timestamp
    sequence: Count
    tracking_id: str
    user_id: str
    metadata: dict[str, Any] = Field(default_factory=dict)
