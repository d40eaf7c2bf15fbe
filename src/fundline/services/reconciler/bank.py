"""Our payments against the bank's statement. A difference is never repaired here: money is for people.

Each line is matched with its payment once and then left alone; what differs is looked at in each run until it agrees,
or until a person has resolved its case. A full run reads the statement from the start and compares every line again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from fundline.platform.clock import NewId, new_id
from fundline.platform.database import Connection, Database
from fundline.records.books import BankDifference, Payment, compare
from fundline.records.cases import CaseKind, NewCase, settle_case
from fundline.services.reconciler import bank_store
from fundline.services.reconciler.bank_store import KeptLine
from fundline.services.reconciler.findings import SOURCE, Finding, Trouble, give_to_a_person
from fundline.services.reconciler.look_up import ask_the_bank_now
from fundline.services.reconciler.statement import Statement

_SENTENCES = {
    BankDifference.NOT_OURS: "The bank has booked the payment {}, which we do not know.",
    BankDifference.MISSING_THERE: "We call the payment {} paid, and the bank's statement does not have it.",
    BankDifference.DIFFERENT: "The bank's statement has the payment {} with another result, amount or transaction id.",
    BankDifference.NO_RESULT_HERE: "The bank has a result of the payment {}, and we have not.",
    BankDifference.REPEATED: "The payment {} stands more than once in the bank's statement.",
    BankDifference.RETURNED: "The bank has booked the payment {} back, and we call it paid.",
    BankDifference.GONE: "The payment {} stood in the bank's statement once, and has gone from it.",
}

_ASKED_AGAIN = frozenset({BankDifference.NO_RESULT_HERE, BankDifference.RETURNED})
"""The bank's own answer about the payment brings our record there."""


class BankComparison:
    name = "bank"

    def __init__(
        self,
        database: Database,
        statement: Statement,
        *,
        grace_s: float,
        lookback_h: int,
        batch: int,
        fresh_id: NewId = new_id,
    ) -> None:
        self._database, self._statement, self._batch, self._fresh_id = database, statement, batch, fresh_id
        self._grace, self._lookback = timedelta(seconds=grace_s), timedelta(hours=lookback_h)

    async def look(self, *, at: datetime, full: bool) -> list[Finding]:
        reading = await self._statement.read_on(at=at, from_the_start=full)
        findings: list[Finding] = []
        if reading.was_another:
            findings.append(await self._another_statement(at))
        last = 0
        while True:
            async with self._database.transaction() as connection:
                lines = await bank_store.kept_lines(
                    connection, self._statement.name, after=last, matched_too=full, limit=self._batch
                )
                if not lines:
                    break
                last = lines[-1].line
                findings += await self._compare(connection, lines, at)
        findings += await self._missing_there(at, full=full)
        if reading.is_whole:
            async with self._database.transaction() as connection:
                vanished = await bank_store.gone(
                    connection, self._statement.name, seen_before=at, limit=self._batch
                )
                known = await bank_store.payments(connection, vanished)
                gone = {key: (BankDifference.GONE, known.get(key)) for key in vanished}
                findings += await self._raise(connection, gone, at)
        return findings

    async def _another_statement(self, at: datetime) -> Finding:
        async with self._database.transaction() as connection:
            count = await bank_store.how_many_gone(connection, self._statement.name, seen_before=at)
            case = NewCase(
                CaseKind.BANK_MISMATCH,
                f"statement:{self._statement.name}",
                f"The bank's statement is not the one that we had read so far: {count} payments have gone from it. "
                "It was read again from its start.",
                details={"difference": "another_statement", "bank": self._statement.name, "gone": count},
            )
            return await give_to_a_person(
                connection, Trouble.BANK_MISMATCH, case, new_id=self._fresh_id, at=at
            )

    async def _compare(self, connection: Connection, lines: list[KeptLine], at: datetime) -> list[Finding]:
        ids = {kept.content.payment_id for kept in lines}
        ours = await bank_store.payments(connection, ids)
        taken = await bank_store.matched_lines(connection, ids)
        agreeing: list[int] = []
        differing: dict[UUID, tuple[BankDifference, Payment | None]] = {}
        for kept in lines:
            key = kept.content.payment_id
            if taken.get((key, kept.content.is_returned), kept.line) != kept.line:
                difference: BankDifference | None = BankDifference.REPEATED
            else:
                difference = compare(ours.get(key), kept.content)
            if difference is None:
                taken[key, kept.content.is_returned] = kept.line
                agreeing.append(kept.line)
            elif kept.read_at + self._grace <= at:
                differing[key] = (difference, ours.get(key))
        await bank_store.match(connection, agreeing, at)
        matched = set(agreeing)
        agreed = {str(kept.content.payment_id) for kept in lines if kept.line in matched}
        for subject in await bank_store.open_mismatches(connection, agreed - set(map(str, differing))):
            await settle_case(
                connection, CaseKind.BANK_MISMATCH, subject, by=SOURCE, at=at, resolution="It agrees now."
            )
        strangers = {
            kept.content.payment_id: {"transactionId": kept.content.transaction_id}
            for kept in lines
            if kept.content.payment_id not in ours and kept.content.transaction_id is not None
        }
        return await self._raise(connection, differing, at, strangers)

    async def _missing_there(self, at: datetime, *, full: bool) -> list[Finding]:
        findings: list[Finding] = []
        place: bank_store.Place | None = bank_store.place_at(None if full else at - self._lookback)
        while place is not None and len(findings) < self._batch:
            async with self._database.transaction() as connection:
                missing, place = await bank_store.settled_without_line(
                    connection, until=at - self._grace, after=place, limit=self._batch
                )
                found = {payment.payment_id: (BankDifference.MISSING_THERE, payment) for payment in missing}
                findings += await self._raise(connection, found, at)
        return findings

    async def _raise(
        self,
        connection: Connection,
        differing: Mapping[UUID, tuple[BankDifference, Payment | None]],
        at: datetime,
        known: Mapping[UUID, Mapping[str, str]] = MappingProxyType({}),
    ) -> list[Finding]:
        """A case for each, unless a person has explained this difference of this payment before.

        `known`: what else the bank says of a booking that is not ours, for its case.
        """
        findings = []
        for payment_id, (difference, payment) in differing.items():
            subject = str(payment_id)
            if await bank_store.is_explained(connection, subject, difference.value):
                continue
            case = NewCase(
                CaseKind.BANK_MISMATCH,
                subject,
                _SENTENCES[difference].format(subject),
                None if payment is None else payment.application_id,
                {"difference": difference.value, "bank": self._statement.name, **known.get(payment_id, {})},
            )
            if payment is not None and difference in _ASKED_AGAIN:
                await ask_the_bank_now(connection, payment.application_id, payment_id, at)
            findings.append(
                await give_to_a_person(connection, Trouble.BANK_MISMATCH, case, new_id=self._fresh_id, at=at)
            )
        return findings
