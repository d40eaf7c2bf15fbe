"""Correcting the ledger: one person says what was booked wrongly, another agrees, and only then it is booked."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from fundline.platform.audit.rows import ROWS, read_rows
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database, UniqueRule
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.platform.telemetry.logs import get_log
from fundline.records.audit_streams import application_stream
from fundline.records.funding import FundsShort
from fundline.records.ledger import Correction, correct
from fundline.records.recorded_tables import CORRECTIONS
from fundline.services.operations_api.corrections import store
from fundline.services.operations_api.corrections.answers import LedgerCorrection, correction_of
from fundline.services.operations_api.corrections.reading import CorrectionNotFound
from fundline.services.operations_api.corrections.schemas import CorrectionRequest
from fundline.services.operations_api.corrections.transfer import (
    CorrectionConflict,
    postings,
    require_correctable,
)
from fundline.services.operations_api.four_eyes import actor_of, require_uninvolved


class LedgerCorrections:
    """Methods give the correction as it is now. All raise SecondPersonNeeded for the applicant, CorrectionConflict, and
    what `once.write` raises.
    """

    def __init__(self, database: Database, *, now: Clock = utc_now, fresh_id: NewId = new_id) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._log = get_log()

    async def propose(
        self, caller: Caller, asked: CorrectionRequest, once: Once[LedgerCorrection]
    ) -> LedgerCorrection:
        """Nothing is booked yet. Raises InvalidRequest."""
        correction_id, at = self._fresh_id(), self._now()

        async def work(connection: Connection) -> LedgerCorrection:
            await require_correctable(connection, caller, asked)
            instead = None if asked.instead is None else asked.instead.model_dump_json()
            await store.propose(
                connection, correction_id, asked.transfer_id,
                instead=instead, reason=asked.reason, by=caller.subject, at=at,
            )  # fmt: skip
            row = await store.lock(connection, correction_id)
            transfer = await store.transfer(connection, asked.transfer_id)
            await self._audit(connection, caller, row, transfer, "ledger.correction_proposed", asked.reason)
            return correction_of(row)

        return await self._write_and_log(caller, once, work)

    async def approve(
        self, caller: Caller, correction_id: UUID, reason: str, once: Once[LedgerCorrection]
    ) -> LedgerCorrection:
        """It is booked. Raises SecondPersonNeeded for who asked for it too; CorrectionNotFound."""

        async def work(connection: Connection) -> LedgerCorrection:
            row, transfer = await _proposed(connection, correction_id)
            require_uninvolved(caller, first=row["requested_by"], applicant=transfer["user_id"])
            at = self._now()
            signed = Correction(row["transfer_id"], row["reason"], row["requested_by"], caller.subject)
            reversal_id = await correct(
                connection, signed,
                instead=postings(row["instead"]), new_id=self._fresh_id, at=at, actor=actor_of(caller),
            )  # fmt: skip
            await store.decide(
                connection, correction_id, "booked", by=caller.subject, at=at, reversal_id=reversal_id
            )
            await self._audit(connection, caller, row, transfer, "ledger.correction_approved", reason)
            return correction_of(await store.lock(connection, correction_id))

        return await self._write_and_log(caller, once, work)

    async def withdraw(
        self, caller: Caller, correction_id: UUID, reason: str, once: Once[LedgerCorrection]
    ) -> LedgerCorrection:
        """It will not be booked. Any operator may, who asked for it too, but not the applicant. Raises
        CorrectionNotFound.
        """

        async def work(connection: Connection) -> LedgerCorrection:
            row, transfer = await _proposed(connection, correction_id)
            require_uninvolved(caller, first=None, applicant=transfer["user_id"])
            await store.decide(connection, correction_id, "withdrawn", by=caller.subject, at=self._now())
            await self._audit(connection, caller, row, transfer, "ledger.correction_withdrawn", reason)
            return correction_of(await store.lock(connection, correction_id))

        return await self._write_and_log(caller, once, work)

    async def _write_and_log(
        self,
        caller: Caller,
        once: Once[LedgerCorrection],
        work: Callable[[Connection], Awaitable[LedgerCorrection]],
    ) -> LedgerCorrection:
        try:
            correction = await once.write(self._database, work)
        except FundsShort as short:
            raise CorrectionConflict(str(short)) from short
        except UniqueRule as twice:
            raise CorrectionConflict(
                "Somebody else has just corrected this transfer, or asked for it."
            ) from twice
        self._log.info(
            "ledger.correction",
            correction_id=str(correction.id),
            state=correction.state,
            **{"user.id": caller.subject},
        )
        return correction

    async def _audit(
        self, connection: Connection, caller: Caller, row: Any, transfer: Any, action: str, reason: str
    ) -> None:
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


async def _proposed(connection: Connection, correction_id: UUID) -> tuple[Any, Any]:
    """The correction, locked, and its transfer. Raises CorrectionNotFound, CorrectionConflict once it is decided."""
    row = await store.lock(connection, correction_id)
    if row is None:
        raise CorrectionNotFound
    if row["state"] != "proposed":
        raise CorrectionConflict(f"{row['decided_by']} has decided it: {row['state']}.")
    return row, await store.transfer(connection, row["transfer_id"])
