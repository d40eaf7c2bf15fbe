"""What the Application API answers: these models are what is serialised."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from fundline.contracts.payloads import AmountText, Status
from fundline.platform.shapes import Answer, Moment


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


class Paying(Answer):
    """The account is stored, and the payment to it is asked for."""

    id: UUID
    status: Literal["approved"]


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
    assessed_at: Moment


class UnderwriterDecision(Answer):
    """`reason` is the note for the file: null for whoever applied, who reads `principalReasons`."""

    decision: Literal["approve", "reject"]
    principal_reasons: list[PrincipalReason]
    reason: str | None
    decided_at: Moment


class ApplicationPayment(Answer):
    """`transaction_id` is the bank's, once settled; `failure_code` its, once failed."""

    state: Literal["expected", "requested", "submitted", "unknown", "settled", "failed", "returned"]
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
    created_at: Moment
    updated_at: Moment
    assessment: Assessment | None
    underwriter_decision: UnderwriterDecision | None
    disbursement: ApplicationPayment | None


class ReferenceRow(Answer):
    """Currencies have `minorUnits`, their number of decimals; all others have a `name`. A country says whether a
    business there must state its region; a region's code is that of ISO 3166-2, as in `CA-ON`.
    """

    code: str
    name: Annotated[str | None, Field(exclude_if=lambda name: name is None)] = None
    minor_units: Annotated[int | None, Field(exclude_if=lambda units: units is None)] = None
    region_required: Annotated[bool | None, Field(exclude_if=lambda required: required is None)] = None


class ReferenceData(Answer):
    items: list[ReferenceRow]
