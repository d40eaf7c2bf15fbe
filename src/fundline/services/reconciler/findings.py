"""What a run finds, and what became of each finding."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from fundline.platform.clock import NewId
from fundline.platform.database import Connection
from fundline.records.cases import NewCase, open_case

SOURCE = "reconciler"


class Trouble(StrEnum):
    APPLICATION_OVERDUE = "application_overdue"
    PAYMENT_OVERDUE = "payment_overdue"
    OUTBOX_STUCK = "outbox_stuck"
    CONSUMER_LAG = "consumer_lag"
    BANK_MISMATCH = "bank_mismatch"
    STATUS_STALE = "status_stale"
    LETTER_FINISHED = "letter_finished"
    """A dead letter about something that has happened all the same."""
    OWNER_UNTOLD = "owner_untold"
    """A dead letter kept somebody from being told."""
    RECORD_CHANGED = "record_changed"


@dataclass(frozen=True, slots=True)
class Finding:
    """`is_repaired` False: it has a case, and a person must look; `opened_case`: since this run."""

    trouble: Trouble
    subject: str
    sentence: str
    is_repaired: bool
    opened_case: bool = False


class Unchecked(Exception):
    """Something that a check must look at does not answer; the sentence says what."""


class Check(Protocol):
    """One of the things that a run compares."""

    name: str

    async def look(self, *, at: datetime, full: bool) -> list[Finding]:
        """Repairs what it finds where it may. Raises Unchecked, DatabaseBusy or DatabaseUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `unchecked`: by check, why it could not look."""

    run_id: UUID
    started_at: datetime
    finished_at: datetime
    is_full: bool
    findings: Sequence[Finding]
    unchecked: dict[str, str]

    @property
    def is_clean(self) -> bool:
        """Nothing is left for a person, and everything was looked at."""
        return not self.unchecked and all(finding.is_repaired for finding in self.findings)

    def found(self) -> dict[str, int]:
        """How many, by kind of trouble."""
        return dict(Counter(finding.trouble.value for finding in self.findings))

    def repaired(self) -> dict[str, int]:
        return dict(Counter(finding.trouble.value for finding in self.findings if finding.is_repaired))

    def unrepaired(self) -> dict[str, int]:
        return dict(Counter(finding.trouble.value for finding in self.findings if not finding.is_repaired))

    def cases_opened(self) -> int:
        return sum(finding.opened_case for finding in self.findings)


async def give_to_a_person(
    connection: Connection, trouble: Trouble, case: NewCase, *, new_id: NewId, at: datetime
) -> Finding:
    """Open the case unless it is open already, in the caller's transaction."""
    opened = await open_case(connection, case, case_id=new_id(), opened_by=SOURCE, at=at)
    return Finding(trouble, case.subject, case.summary, is_repaired=False, opened_case=opened)
