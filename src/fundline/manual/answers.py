"""What the two public services answer, as schemas. The services build these objects by hand, for speed; tests hold
both to each other."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from fundline.contracts.payloads import AmountText, Status
from fundline.platform.shapes import Answer


class Accepted(Answer):
    """The application is stored; its scoring goes on in the background."""

    id: UUID
    tracking_id: Annotated[str, Field(examples=["FL-7K2Q-M9XD-40RTP"])]
    status: Literal["processing"]


class Decided(Answer):
    """The underwriter's decision is stored, and the payment is asked for when it was an approval."""

    id: UUID
    status: Literal["approved", "rejected"]


class Reassessing(Answer):
    """The application is scored again."""

    id: UUID
    status: Literal["risk_scoring"]


class PrincipalReason(Answer):
    """`code` is stable, `sentence` may be reworded."""

    code: str
    sentence: str


class Assessment(Answer):
    """`risk_score` is a probability of default, 0 to 1. Reasons: none when approved, else one to four."""

    number: Annotated[int, Field(ge=1, description="2 and more: it was assessed again.")]
    verdict: Literal["approved", "rejected", "pending_review"]
    risk_score: Annotated[str, Field(pattern=r"^[01]\.[0-9]{4}$", examples=["0.0412"])]
    principal_reasons: list[PrincipalReason]
    model_version: str
    policy_version: str
    assessed_at: AwareDatetime


class UnderwriterDecision(Answer):
    decision: Literal["approve", "reject"]
    reason: str
    decided_at: AwareDatetime


class Disbursement(Answer):
    """`transaction_id` is the bank's, once settled; `failure_code` its, once failed."""

    state: Literal["expected", "requested", "submitted", "unknown", "settled", "failed"]
    transaction_id: str | None
    failure_code: str | None


class PayoutAccountView(Answer):
    """The full number is never shown again."""

    type: Literal["iban", "us"]
    last4: str


class Application(Answer):
    """One application as its owner, or a person of the lender, sees it."""

    id: UUID
    tracking_id: str
    status: Status
    sequence: Annotated[int, Field(ge=1)]
    amount: AmountText
    currency: str
    term_months: int
    purpose: str
    revolving: bool
    business: dict[str, Any]
    figures: dict[str, Any]
    jobs: dict[str, Any] | None
    payout_account: PayoutAccountView
    metadata: dict[str, Any]
    created_at: AwareDatetime
    updated_at: AwareDatetime
    assessment: Assessment | None
    underwriter_decision: UnderwriterDecision | None
    disbursement: Disbursement | None


class ApplicationPage(Answer):
    """Newest first. `next_cursor` is opaque; null on the last page."""

    items: list[Application]
    next_cursor: str | None


class ReferenceRow(Answer):
    """Sectors and states have a `name`; currencies have `minorUnits`, their number of decimals."""

    code: str
    name: str | None = None
    minor_units: int | None = None


class ReferenceData(Answer):
    items: list[ReferenceRow]


class ApplicationStatus(Answer):
    """Where an application stands. The same object comes over SSE and WebSocket, once per change."""

    application_id: UUID
    tracking_id: str
    status: Status
    sequence: Annotated[int, Field(ge=1, description="1 is `processing`; rises by one per change.")]
    updated_at: AwareDatetime
    metadata: dict[str, Any]


class RefusedValue(Answer):
    path: Annotated[str, Field(examples=["business.employees"])]
    message: str


class Problem(BaseModel):
    """RFC 9457. `type` is stable, see docs/problems.md; `instance` is added by the gateway's own answers."""

    type: Annotated[str, Field(pattern="^urn:fundline:problem:[a-z0-9-]+$")]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    instance: str | None = None
    errors: list[RefusedValue] | None = None
