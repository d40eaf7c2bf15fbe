"""What the operations API answers, as schemas; tests hold both to each other."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from fundline.casefile.cases import CaseKind
from fundline.casefile.dead_letters import LetterState
from fundline.contracts.payloads import AmountText
from fundline.domain.disbursement import DisbursementState
from fundline.domain.ledger import TransferPurpose
from fundline.platform.shapes import Answer


class Case(Answer):
    """What waits for a person. About money, the resolution is proposed by one and agreed to by another."""

    id: UUID
    kind: CaseKind
    subject: str
    application_id: UUID | None
    summary: str
    details: dict[str, Any]
    state: Literal["open", "resolved"]
    opened_by: str
    opened_at: AwareDatetime
    resolved_by: str | None
    resolved_at: AwareDatetime | None
    resolution: str | None
    proposed_by: str | None
    proposed_at: AwareDatetime | None
    proposed_resolution: str | None


class CasePage(Answer):
    """Newest first. `next_before` is the `before` of the next page; null on the last."""

    items: list[Case]
    next_before: UUID | None


class CorrectTransfer(Answer):
    """What is to stand in the place of the transfer that was wrong."""

    debit: str
    credit: str
    amount: str
    currency: str


class LedgerCorrection(Answer):
    """A transfer that one person calls wrong; booked when another agrees."""

    id: UUID
    transfer_id: UUID
    payment_id: UUID
    purpose: TransferPurpose
    instead: CorrectTransfer | None
    reason: str
    state: Literal["proposed", "booked", "withdrawn"]
    requested_by: str
    requested_at: AwareDatetime
    decided_by: str | None
    decided_at: AwareDatetime | None
    reversal_id: UUID | None


class LedgerCorrectionPage(Answer):
    """Newest first. `next_before` is the `before` of the next page; null on the last."""

    items: list[LedgerCorrection]
    next_before: UUID | None


class DeadLetter(Answer):
    """An event that a consumer group gave up on."""

    id: UUID
    topic: str
    group: str | None
    event_id: UUID | None
    key: str
    application_id: UUID | None
    cause: str
    attempts: Annotated[int, Field(ge=1, description="Of all its lives.")]
    first_failed_at: AwareDatetime
    last_failed_at: AwareDatetime
    moves_money: bool
    state: LetterState
    replays: Annotated[int, Field(ge=0)]
    requested_by: str | None
    settled_by: str | None
    settled_at: AwareDatetime | None
    reason: str | None
    handled_at: Annotated[
        AwareDatetime | None, Field(description="When the group has handled it; null: not, or long ago.")
    ]


class DeadLetterPage(Answer):
    """Newest first. `next_before` is the `before` of the next page; null on the last."""

    items: list[DeadLetter]
    next_before: UUID | None


class DeadPayload(Answer):
    """`json`, `text` or `base64`, whichever it is; the last two are cut after 64 KiB."""

    bytes: Annotated[int, Field(ge=0)]
    json_: Annotated[Any, Field(alias="json")]
    text: str | None
    base64: str | None


class WholePayload(Answer):
    """Of a payload that was too large to be kept whole: its size, and where Kafka has it, as long as it does."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: str
    at: Annotated[str, Field(description="`topic/partition/offset`.")]


class Death(Answer):
    """One message of the dead-letter topic. `replay`: which replay had failed; 0 for the first life."""

    topic: str
    partition: int
    offset: int
    cause: str
    attempts: int
    replay: int
    failed_at: AwareDatetime


class WholeDeadLetter(DeadLetter):
    """With what it carries, what was corrected, and every time it died."""

    payload: DeadPayload
    whole: Annotated[
        WholePayload | None, Field(description="Only when `payload` is the head of one that was too large.")
    ]
    edited_payload: dict[str, Any] | None
    changes: Annotated[dict[str, Any], Field(description="By field: `from` and `to`.")]
    payload_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="Of what a replay sends.")]
    headers: dict[str, str]
    arrivals: list[Death]


class SkippedLetter(Answer):
    id: UUID
    because: str


class Payment(Answer):
    """The disbursement of an application, as its operators see it. No part of the account is shown."""

    application_id: UUID
    payment_id: UUID
    amount: AmountText
    currency: str
    state: DisbursementState
    approved_by: Annotated[str | None, Field(description="The underwriter, or `policy:` and which one.")]
    needs_release: Annotated[bool, Field(description="Above the limit of its currency.")]
    waits_for_release: bool
    released_by: str | None
    released_at: AwareDatetime | None
    release_reason: str | None
    opened_at: AwareDatetime
    requested_at: AwareDatetime | None
    submitted_at: AwareDatetime | None
    unknown_since: AwareDatetime | None
    next_step_at: Annotated[AwareDatetime | None, Field(description="When a worker goes on with it.")]
    steps: Annotated[int, Field(ge=0, description="Of the workers since it was submitted.")]
    escalated_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    transaction_id: str | None
    failure_code: str | None


class PaymentPage(Answer):
    """Of the newest application first. `next_before` is the `before` of the next page; null on the last."""

    items: list[Payment]
    next_before: UUID | None


class BulkReplayed(Answer):
    """`requested` move money and wait for a second person. `next_after` is the `after` of the next batch."""

    replayed: list[UUID]
    requested: list[UUID]
    skipped: list[SkippedLetter]
    next_after: UUID | None


class AuditedEntry(Answer):
    """Who (`process`, and `subject` when a person asked for it), what, when, why, on which evidence."""

    sequence: Annotated[int, Field(ge=1)]
    at: AwareDatetime
    process: str
    subject: str | None
    action: Annotated[str, Field(examples=["review.decided"])]
    reason: str
    details: dict[str, Any]
    evidence_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None
    hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    anchored: Annotated[bool, Field(description="A signed anchor outside the database vouches for it.")]


class AuditTrailPage(Answer):
    """Oldest first. `next_after` is the `after` of the next page; null on the last."""

    application_id: UUID
    tracking_id: str
    user_id: str
    status: str
    entries: list[AuditedEntry]
    next_after: int | None
