"""Changing what a lender has committed: one person says so, another agrees, and then it counts."""

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn
from uuid import UUID

from fundline.domain.money import Money, MoneyError
from fundline.platform.audit.rows import ROWS, read_rows
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import CheckRule, Connection, Database, rule_of_check
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.platform.refusals import FieldError, InvalidRequest, Kind, Refusal
from fundline.platform.telemetry.logs import get_log
from fundline.records.cases import CaseKind, settle_case
from fundline.records.funding import WITHIN_COMMITMENT, funding_subject
from fundline.records.recorded_tables import CONFIGURATION_STREAM, FUNDING_COMMITMENTS
from fundline.services.operations_api.four_eyes import actor_of, require_uninvolved
from fundline.services.operations_api.funding import store
from fundline.services.operations_api.funding.answers import (
    FundingCommitment,
    FundingCommitmentPage,
    FundingSources,
    commitment_of,
    source_of,
)
from fundline.services.operations_api.funding.schemas import CommitmentQuery, CommitmentRequest


class CommitmentNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "commitment-not-found"
    title = "There is no such commitment"

    def __init__(self) -> None:
        super().__init__("No commitment has this id.")


class CommitmentConflict(Refusal):
    kind = Kind.CONFLICT
    code = "commitment-conflict"
    title = "The commitment cannot be changed like this now"


class Funding:
    """Reading, and the three deeds. All deeds raise what `once.write` raises."""

    def __init__(self, database: Database, *, now: Clock = utc_now, fresh_id: NewId = new_id) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._log = get_log()

    async def sources(self) -> FundingSources:
        return FundingSources(items=[source_of(row) for row in await store.sources(self._database)])

    async def page(self, query: CommitmentQuery) -> FundingCommitmentPage:
        rows = await store.page(self._database, before=query.cursor, state=query.state, limit=query.limit + 1)
        return FundingCommitmentPage.of(
            rows, query.limit, show=commitment_of, id_of=lambda row: row["commitment_id"]
        )

    async def propose(
        self, caller: Caller, asked: CommitmentRequest, once: Once[FundingCommitment]
    ) -> FundingCommitment:
        """Nothing counts yet. Raises InvalidRequest."""
        amount, commitment_id = _amount(asked), self._fresh_id()

        async def work(connection: Connection) -> FundingCommitment:
            if not await store.is_source(connection, asked.account, asked.currency):
                _refuse("account", f"No payment in {asked.currency} is made from {asked.account}.")
            await store.propose(
                connection, commitment_id, account=asked.account, amount=amount, reason=asked.reason,
                by=caller.subject, at=self._now(),
            )  # fmt: skip
            return await self._audited(connection, caller, commitment_id, "funding.proposed", asked.reason)

        return await self._written(caller, once, work)

    async def agree(
        self, caller: Caller, commitment_id: UUID, reason: str, once: Once[FundingCommitment]
    ) -> FundingCommitment:
        """It counts, and payments that waited go on. Raises SecondPersonNeeded, CommitmentNotFound,
        CommitmentConflict.
        """

        async def work(connection: Connection) -> FundingCommitment:
            row, at = await _proposed(connection, commitment_id), self._now()
            require_uninvolved(caller, first=row["requested_by"], applicant=None)
            with rule_of_check(WITHIN_COMMITMENT):
                await store.decide(connection, commitment_id, "agreed", by=caller.subject, at=at)
            await store.go_on(connection, row["currency"], at)
            subject, actor = funding_subject(row["account"], row["currency"]), actor_of(caller)
            resolution = f"The commitment was changed: {reason}"
            await settle_case(
                connection, CaseKind.FUNDING_SHORT, subject, by=actor, at=at, resolution=resolution
            )
            return await self._audited(connection, caller, commitment_id, "funding.agreed", reason)

        return await self._written(caller, once, work)

    async def withdraw(
        self, caller: Caller, commitment_id: UUID, reason: str, once: Once[FundingCommitment]
    ) -> FundingCommitment:
        """It will not count. Who asked for it may. Raises CommitmentNotFound, CommitmentConflict."""

        async def work(connection: Connection) -> FundingCommitment:
            await _proposed(connection, commitment_id)
            await store.decide(connection, commitment_id, "withdrawn", by=caller.subject, at=self._now())
            return await self._audited(connection, caller, commitment_id, "funding.withdrawn", reason)

        return await self._written(caller, once, work)

    async def _written(
        self,
        caller: Caller,
        once: Once[FundingCommitment],
        work: Callable[[Connection], Awaitable[FundingCommitment]],
    ) -> FundingCommitment:
        try:
            commitment = await once.write(self._database, work)
        except CheckRule as drawn:
            raise CommitmentConflict("More than would be left is drawn already.") from drawn
        self._log.info(
            "funding.commitment",
            commitment_id=str(commitment.id),
            state=commitment.state,
            **{"user.id": caller.subject},
        )
        return commitment

    async def _audited(
        self, connection: Connection, caller: Caller, commitment_id: UUID, action: str, reason: str
    ) -> FundingCommitment:
        """The commitment as it is now, once the trail says so."""
        rows = await read_rows(connection, FUNDING_COMMITMENTS, [commitment_id])
        details = {"commitmentId": str(commitment_id), ROWS: rows}
        entry = AuditEntry(CONFIGURATION_STREAM, actor_of(caller), action, self._now(), reason, details)
        await record(connection, entry)
        return commitment_of(await store.lock(connection, commitment_id))


async def _proposed(connection: Connection, commitment_id: UUID) -> Any:
    """The commitment, locked. Raises CommitmentNotFound, CommitmentConflict once it is decided."""
    row = await store.lock(connection, commitment_id)
    if row is None:
        raise CommitmentNotFound
    if row["state"] != "proposed":
        raise CommitmentConflict(f"{row['decided_by']} has decided it: {row['state']}.")
    return row


def _amount(asked: CommitmentRequest) -> Money:
    """With its sign. Raises InvalidRequest."""
    try:
        amount = Money.parse(asked.amount, asked.currency)
    except MoneyError as error:
        _refuse("amount", str(error))
    if amount.amount_minor == 0:
        _refuse("amount", "A change is more than nothing.")
    return amount if asked.change == "raise" else Money(-amount.amount_minor, amount.currency)


def _refuse(path: str, sentence: str) -> NoReturn:
    raise InvalidRequest("Nothing was changed.", errors=[FieldError(path, sentence)])
