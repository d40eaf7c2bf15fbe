"""One application as the client lives it: planned, sent, accepted, followed."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from fundline.domain.application import DECIDED, TERMINAL, ApplicationStatus

SETTLED: frozenset[ApplicationStatus] = TERMINAL | {ApplicationStatus.PENDING_REVIEW}
"""Nothing happens any more without a person: final, or referred to one."""


class PlannedApplication(NamedTuple):
    """`idempotency_key` is the same for every repeat of its request."""

    applicant: str
    body: dict[str, Any]
    idempotency_key: str


@dataclass(slots=True)
class Journey:
    """Times are seconds of one monotonic clock. `status` and `sequence` are the last that its stream told."""

    planned: PlannedApplication
    sent_at: float | None = None
    accepted_at: float | None = None
    decided_at: float | None = None
    paid_at: float | None = None
    application_id: UUID | None = None
    status: ApplicationStatus | None = None
    sequence: int = 0
    repeats: int = 0
    """How often the same request was sent again."""
    reconnects: int = 0
    disorder: str = ""
    """The first time that its stream told a status again, or left one out: empty when all is well."""
    trouble: list[str] = field(default_factory=list)
    """Sentences: why it was not accepted, or what its stream said that cannot be."""

    def saw(self, status: ApplicationStatus, sequence: int, at: float) -> None:
        """Each status comes once and in order, also over several connections."""
        if sequence != self.sequence + 1 and not self.disorder:
            self.disorder = f"its stream told change {sequence} after change {self.sequence}"
        if sequence <= self.sequence:
            return
        self.status, self.sequence = status, sequence
        if self.decided_at is None and (status in DECIDED or status in TERMINAL):
            self.decided_at = at
        if self.paid_at is None and status is ApplicationStatus.DISBURSED:
            self.paid_at = at

    @property
    def is_settled(self) -> bool:
        return self.status in SETTLED

    def took_s(self, until: float | None) -> float | None:
        """From the moment the request was sent; None when `until` never came."""
        return None if until is None or self.sent_at is None else until - self.sent_at
