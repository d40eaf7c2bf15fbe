"""Applications and payments past the deadline of their state.

What may be repaired is a lost command: it is sent once more, under the row's lock, a bounded number of times. That can
neither score nor pay twice, because the workers' own rules refuse it: one assessment per move into `risk_scoring`,
one disbursement per application, and a payment that may be with the bank is looked up first.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from fundline.contracts.payloads import iso_utc
from fundline.contracts.topics import DISBURSEMENT_REQUESTED, RISK_SCORING_REQUESTED
from fundline.domain.application import ApplicationStatus
from fundline.domain.payment import WITH_THE_BANK, PaymentState
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import NewId, new_id
from fundline.platform.database import Connection, Database, RowBusy
from fundline.platform.telemetry.logs import get_log
from fundline.records.audit_streams import application_stream
from fundline.records.cases import CaseKind, NewCase, settle_case
from fundline.records.payment_request import request_payment
from fundline.records.scoring import request_scoring
from fundline.records.status import LockedApplication, lock_application
from fundline.services.reconciler import store
from fundline.services.reconciler.findings import SOURCE, Finding, Trouble, give_to_a_person
from fundline.services.reconciler.look_up import ask_the_bank_now
from fundline.services.reconciler.store import Overdue

_COMMANDS = [RISK_SCORING_REQUESTED.name, DISBURSEMENT_REQUESTED.name]
Repair = Callable[[Connection, LockedApplication, datetime], Awaitable[dict[str, Any] | None]]
"""What was done, for the audit trail; None when it may not be done."""


class OverdueStates:
    name = "overdue"

    def __init__(self, database: Database, *, attempts: int, batch: int, fresh_id: NewId = new_id) -> None:
        self._database, self._attempts, self._batch, self._fresh_id = database, attempts, batch, fresh_id
        self._log = get_log()
        self._repairs: dict[tuple[str, str], Repair] = {
            ("application", ApplicationStatus.PROCESSING): self._ask_for_score,
            ("application", ApplicationStatus.RISK_SCORING): self._ask_for_score,
            ("application", ApplicationStatus.APPROVED): self._ask_for_payment,
            ("disbursement", PaymentState.EXPECTED): self._ask_for_payment,
        }

    async def look(self, *, at: datetime, full: bool) -> list[Finding]:  # noqa: ARG002 - it always looks at all
        late = await store.overdue(self._database, at=at, topics=_COMMANDS, limit=self._batch)
        found = [await self._handle(one, at) for one in late]
        for subject in await store.cases_of_the_past(self._database, self._batch):
            async with self._database.transaction() as connection:
                await settle_case(
                    connection,
                    CaseKind.APPLICATION_STUCK,
                    subject,
                    by=SOURCE,
                    at=at,
                    resolution="It moved on.",
                )
        return [finding for finding in found if finding is not None]

    async def _handle(self, late: Overdue, at: datetime) -> Finding | None:
        """None: it has moved on meanwhile, or somebody is at work on it."""
        try:
            async with self._database.transaction() as connection:
                application = await lock_application(connection, late.application_id)
                if not await store.is_still_there(connection, late):
                    return None
                finding = await self._repair(connection, application, late, at)
                if finding is None:
                    finding = await self._escalate(connection, late, at)
        except RowBusy:
            return None
        log = self._log.warning if finding.is_repaired else self._log.error
        log("reconciler.overdue", application_id=str(late.application_id), what=late.what, state=late.state,
            repaired=finding.is_repaired, attempts=late.attempts)  # fmt: skip
        return finding

    async def _repair(
        self, connection: Connection, application: LockedApplication, late: Overdue, at: datetime
    ) -> Finding | None:
        """None: no repair is allowed, or none has helped."""
        repair = self._repairs.get((late.what, late.state))
        if repair is None or late.attempts >= self._attempts:
            return None
        done = await repair(connection, application, at)
        if done is None:
            return None
        await store.count_attempt(connection, late, at)
        sentence = _sentence(late)
        details = {"state": late.state, "attempt": late.attempts + 1, **done}
        stream = application_stream(late.application_id)
        await record(connection, AuditEntry(stream, SOURCE, "application.helped_on", at, sentence, details))
        return Finding(_trouble(late), str(late.subject), sentence, is_repaired=True)

    async def _escalate(self, connection: Connection, late: Overdue, at: datetime) -> Finding:
        is_with_the_bank = late.what == "disbursement" and late.state in WITH_THE_BANK
        kind = CaseKind.PAYMENT_UNKNOWN if is_with_the_bank else CaseKind.APPLICATION_STUCK
        details = {
            "what": late.what,
            "state": late.state,
            "since": iso_utc(late.since),
            "owner": late.owner,
            "runbook": late.runbook,
        }
        await store.give_up(connection, late, at)
        case = NewCase(kind, str(late.subject), _sentence(late), late.application_id, details)
        if is_with_the_bank:
            await ask_the_bank_now(connection, late.application_id, late.subject, at)
        return await give_to_a_person(connection, _trouble(late), case, new_id=self._fresh_id, at=at)

    async def _ask_for_score(
        self, connection: Connection, application: LockedApplication, at: datetime
    ) -> dict[str, Any]:
        event_id = self._fresh_id()
        await request_scoring(connection, application, source=SOURCE, at=at, event_id=event_id)
        return {"topic": RISK_SCORING_REQUESTED.name, "eventId": str(event_id)}

    async def _ask_for_payment(
        self, connection: Connection, application: LockedApplication, at: datetime
    ) -> dict[str, Any] | None:
        """Only for an approval that the primary has, with what it rests on."""
        approved_by = await store.approver(connection, application.application_id)
        if approved_by is None or application.status is not ApplicationStatus.APPROVED:
            return None
        event_id = self._fresh_id()
        await request_payment(
            connection, application, approved_by=approved_by, source=SOURCE, at=at, event_id=event_id
        )
        return {"topic": DISBURSEMENT_REQUESTED.name, "eventId": str(event_id)}


def _trouble(late: Overdue) -> Trouble:
    return Trouble.APPLICATION_OVERDUE if late.what == "application" else Trouble.PAYMENT_OVERDUE


def _sentence(late: Overdue) -> str:
    """The same each time, so that it can stand in a case."""
    noun = "application" if late.what == "application" else "payment"
    return (
        f"The {noun} {late.subject} is {late.state} since {iso_utc(late.since)}, longer than "
        f"{int(late.deadline.total_seconds())} s; {late.owner} should have moved it on."
    )
