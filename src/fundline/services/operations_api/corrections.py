"""Correcting the ledger: one person says what was booked wrongly, another agrees, and only then it is booked."""

from typing import Any, NoReturn
from uuid import UUID

import orjson

from fundline.casefile.ledger import PENDING, Correction, correct
from fundline.casefile.recorded_tables import CORRECTIONS
from fundline.domain.disbursement import WITH_THE_BANK
from fundline.domain.ledger import Posting, TransferPurpose
from fundline.domain.money import Money, MoneyError
from fundline.platform.audit.rows import ROWS, read_rows
from fundline.platform.audit.trail import AuditEntry, application_stream, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database, UniqueRule
from fundline.platform.database.idempotency import StoredAnswer, Work, WriteKey, write_once
from fundline.platform.http.requests import parse_body
from fundline.platform.identifiers import uuid_in
from fundline.platform.identity import Caller, Role
from fundline.platform.refusals import FieldError, InvalidRequest, Kind, Refusal
from fundline.platform.telemetry.logs import get_log
from fundline.services.operations_api import correction_store as store
from fundline.services.operations_api.cases import READERS
from fundline.services.operations_api.correction_schemas import (
    CorrectionDecision,
    CorrectionQuery,
    CorrectionRequest,
    CorrectTransfer,
    correction_view,
)
from fundline.services.operations_api.four_eyes import actor_of, require_uninvolved


class CorrectionNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "correction-not-found"
    title = "There is no such correction"

    def __init__(self) -> None:
        super().__init__("No correction of the ledger has this id.")


class CorrectionConflict(Refusal):
    kind = Kind.CONFLICT
    code = "correction-conflict"
    title = "The transfer cannot be corrected like this now"


class LedgerCorrections:
    def __init__(self, database: Database, *, now: Clock = utc_now, fresh_id: NewId = new_id) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._log = get_log()

    async def page(self, caller: Caller, query: CorrectionQuery) -> dict[str, Any]:
        """`{items, nextBefore}`, newest first. Raises Forbidden."""
        caller.require(*READERS)
        rows = await store.page(self._database, before=query.before, state=query.state, limit=query.limit + 1)
        items = rows[: query.limit]
        following = str(items[-1]["correction_id"]) if len(rows) > query.limit else None
        return {"items": [correction_view(row) for row in items], "nextBefore": following}

    async def one(self, caller: Caller, text: str) -> dict[str, Any]:
        """Raises Forbidden, CorrectionNotFound."""
        caller.require(*READERS)
        row = await store.find(self._database, _id_of(text))
        if row is None:
            raise CorrectionNotFound
        return correction_view(row)

    async def propose(self, caller: Caller, key: WriteKey, body: bytes) -> StoredAnswer:
        """201 and the correction; nothing is booked yet.

        Raises Forbidden, SecondPersonNeeded for the applicant, InvalidRequest, CorrectionConflict, KeyReused.
        """
        caller.require(Role.OPERATOR)
        asked = parse_body(CorrectionRequest, body)
        correction_id, at = self._fresh_id(), self._now()

        async def work(connection: Connection) -> tuple[int, bytes]:
            await self._require_correctable(connection, caller, asked)
            instead = None if asked.instead is None else asked.instead.model_dump_json()
            await store.propose(
                connection, correction_id, asked.transfer_id,
                instead=instead, reason=asked.reason, by=caller.subject, at=at,
            )  # fmt: skip
            row = await store.lock(connection, correction_id)
            await self._audit(connection, caller, row, "ledger.correction_proposed", asked.reason)
            return 201, orjson.dumps(correction_view(row))

        return await self._written(caller, key, work)

    async def approve(self, caller: Caller, key: WriteKey, text: str, body: bytes) -> StoredAnswer:
        """200 and the correction, booked. Raises SecondPersonNeeded for who asked for it; else as `propose`."""
        caller.require(Role.OPERATOR)
        correction_id, decision = _id_of(text), parse_body(CorrectionDecision, body)

        async def work(connection: Connection) -> tuple[int, bytes]:
            row = await self._proposed(connection, correction_id)
            transfer = await store.transfer(connection, row["transfer_id"])
            require_uninvolved(caller, first=row["requested_by"], applicant=transfer["user_id"])
            at = self._now()
            signed = Correction(row["transfer_id"], row["reason"], row["requested_by"], caller.subject)
            reversal_id = await correct(
                connection, signed,
                instead=_postings(row["instead"]), new_id=self._fresh_id, at=at, actor=actor_of(caller),
            )  # fmt: skip
            await store.decide(
                connection, correction_id, "booked", by=caller.subject, at=at, reversal_id=reversal_id
            )
            await self._audit(connection, caller, row, "ledger.correction_approved", decision.reason)
            return 200, orjson.dumps(correction_view(await store.lock(connection, correction_id)))

        return await self._written(caller, key, work)

    async def withdraw(self, caller: Caller, key: WriteKey, text: str, body: bytes) -> StoredAnswer:
        """200 and the correction, which will not be booked; by any operator. Raises CorrectionConflict."""
        caller.require(Role.OPERATOR)
        correction_id, decision = _id_of(text), parse_body(CorrectionDecision, body)

        async def work(connection: Connection) -> tuple[int, bytes]:
            row = await self._proposed(connection, correction_id)
            await store.decide(connection, correction_id, "withdrawn", by=caller.subject, at=self._now())
            await self._audit(connection, caller, row, "ledger.correction_withdrawn", decision.reason)
            return 200, orjson.dumps(correction_view(await store.lock(connection, correction_id)))

        return await self._written(caller, key, work)

    async def _written(self, caller: Caller, key: WriteKey, work: Work) -> StoredAnswer:
        try:
            answer = await write_once(self._database, key, work)
        except UniqueRule as twice:
            raise CorrectionConflict(
                "Somebody else has just corrected this transfer, or asked for it."
            ) from twice
        if not answer.is_replay:
            told = orjson.loads(answer.body)
            self._log.info(
                "ledger.correction",
                correction_id=told["id"],
                state=told["state"],
                **{"user.id": caller.subject},
            )
        return answer

    async def _require_correctable(
        self, connection: Connection, caller: Caller, asked: CorrectionRequest
    ) -> None:
        transfer = await store.transfer(connection, asked.transfer_id)
        if transfer is None:
            _refuse("transferId", "The ledger has no such transfer.")
        require_uninvolved(caller, first=None, applicant=transfer["user_id"])
        if transfer["is_reversed"] or transfer["purpose"] == TransferPurpose.REVERSAL:
            raise CorrectionConflict(
                "It is reversed, or a reversal itself; correct what stands in its place."
            )
        if transfer["state"] in WITH_THE_BANK:
            raise CorrectionConflict(PENDING)
        if asked.instead is not None:
            accounts = [asked.instead.debit, asked.instead.credit]
            if unknown := await store.unknown_accounts(connection, accounts):
                _refuse("instead", f"The ledger has no account {unknown[0]}.")
            _pair(asked.instead)

    async def _proposed(self, connection: Connection, correction_id: UUID) -> Any:
        row = await store.lock(connection, correction_id)
        if row is None:
            raise CorrectionNotFound
        if row["state"] != "proposed":
            raise CorrectionConflict(f"{row['decided_by']} has decided it: {row['state']}.")
        return row

    async def _audit(
        self, connection: Connection, caller: Caller, row: Any, action: str, reason: str
    ) -> None:
        transfer = await store.transfer(connection, row["transfer_id"])
        application_id = transfer["application_id"]
        stream = (
            f"payment:{row['payment_id']}" if application_id is None else application_stream(application_id)
        )
        details = {
            "correctionId": str(row["correction_id"]),
            "corrects": str(row["transfer_id"]),
            ROWS: await read_rows(connection, CORRECTIONS, [row["correction_id"]]),
        }
        entry = AuditEntry(stream, actor_of(caller), action, self._now(), reason, details)
        await record(connection, entry)


def _id_of(text: str) -> UUID:
    """Raises CorrectionNotFound."""
    correction_id = uuid_in(text)
    if correction_id is None:
        raise CorrectionNotFound
    return correction_id


def _postings(stored: str | None) -> tuple[Posting, ...]:
    return () if stored is None else _pair(CorrectTransfer.model_validate_json(stored))


def _pair(instead: CorrectTransfer) -> tuple[Posting, ...]:
    """Raises InvalidRequest."""
    try:
        amount = Money.parse(instead.amount, instead.currency)
    except MoneyError as error:
        _refuse("instead.amount", str(error))
    if amount.amount_minor == 0:
        _refuse("instead.amount", "A transfer moves more than nothing.")
    if instead.debit == instead.credit:
        _refuse("instead.credit", "A transfer moves between two accounts.")
    negative = Money(-amount.amount_minor, amount.currency)
    return (Posting(instead.debit, amount), Posting(instead.credit, negative))


def _refuse(path: str, sentence: str) -> NoReturn:
    raise InvalidRequest("Nothing was corrected.", errors=[FieldError(path, sentence)])
