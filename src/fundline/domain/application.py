"""The application's state machine: which status may follow which, and with which sequence number."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class ApplicationStatus(StrEnum):
    PROCESSING = "processing"
    RISK_SCORING = "risk_scoring"
    APPROVED = "approved"
    REJECTED = "rejected"
    PENDING_REVIEW = "pending_review"
    DISBURSED = "disbursed"
    FAILED = "failed"
    RETURNED = "returned"
    """It was disbursed, and the money came back."""
    ACCOUNT_NEEDED = "account_needed"
    """The payment failed for the account's sake, and a person has asked the applicant for another one."""


_S = ApplicationStatus
TRANSITIONS: dict[ApplicationStatus, frozenset[ApplicationStatus]] = {
    _S.PROCESSING: frozenset({_S.RISK_SCORING}),
    _S.RISK_SCORING: frozenset({_S.APPROVED, _S.REJECTED, _S.PENDING_REVIEW}),
    _S.PENDING_REVIEW: frozenset({_S.APPROVED, _S.REJECTED, _S.RISK_SCORING}),  # or scored once more
    _S.APPROVED: frozenset({_S.DISBURSED, _S.FAILED}),
    _S.REJECTED: frozenset(),
    _S.DISBURSED: frozenset({_S.RETURNED}),
    _S.FAILED: frozenset({_S.ACCOUNT_NEEDED}),
    _S.RETURNED: frozenset(),
    _S.ACCOUNT_NEEDED: frozenset({_S.APPROVED}),  # paid by another payment
}
TERMINAL: frozenset[ApplicationStatus] = frozenset(
    {_S.REJECTED, _S.DISBURSED, _S.FAILED, _S.RETURNED, _S.ACCOUNT_NEEDED}
)
"""Nothing more is expected of us, so that a stream ends. What happens all the same (money that comes back, a person who
asks for another account, an applicant who names one) is told by mail and webhook."""
DECIDED: frozenset[ApplicationStatus] = frozenset({_S.APPROVED, _S.REJECTED, _S.PENDING_REVIEW})
FIRST_SEQUENCE = 1


class IllegalTransition(ValueError):
    """An application may not go from its present status to the one asked for."""

    def __init__(self, current: ApplicationStatus, asked: ApplicationStatus) -> None:
        self.current, self.asked = current, asked
        allowed = ", ".join(sorted(TRANSITIONS[current])) or "nothing: it is final"
        super().__init__(f"An application that is {current} cannot become {asked}; it may become {allowed}.")


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One step of an application. `sequence` starts at 1 and rises by one per change, without a gap."""

    status: ApplicationStatus
    sequence: int
    occurred_at: datetime
    actor: str
    metadata: dict[str, Any]


def submitted(*, at: datetime, actor: str) -> StatusChange:
    return StatusChange(_S.PROCESSING, FIRST_SEQUENCE, at, actor, {})


def change_status(
    current: ApplicationStatus,
    current_sequence: int,
    asked: ApplicationStatus,
    *,
    at: datetime,
    actor: str,
    metadata: dict[str, Any] | None = None,
) -> StatusChange:
    """The next step, or IllegalTransition. A status may not follow itself: a repeat is the caller's bug."""
    if asked not in TRANSITIONS[current]:
        raise IllegalTransition(current, asked)
    return StatusChange(asked, current_sequence + 1, at, actor, dict(metadata or {}))
