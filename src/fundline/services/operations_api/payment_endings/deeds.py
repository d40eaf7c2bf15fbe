"""Ending a payment: one person says what the bank has written, another agrees, and only then it is booked."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from fundline.domain.payment import PaymentState
from fundline.platform.audit.rows import ROWS, read_rows
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database, UniqueRule
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.platform.telemetry.logs import get_log
from fundline.records.audit_streams import application_stream
from fundline.records.payment_results import PaymentResult, Writing, write_result
from fundline.records.recorded_tables import PAYMENT_ENDINGS
from fundline.records.status import LockedApplication
from fundline.services.operations_api.four_eyes import actor_of, require_uninvolved
from fundline.services.operations_api.payment_endings import store
from fundline.services.operations_api.payment_endings.answers import PaymentEnding, ending_of
from fundline.services.operations_api.payment_endings.payment import (
    SETTLES,
    EndingConflict,
    HeldPayment,
    lock_held,
    require_endable,
    result_of,
)
from fundline.services.operations_api.payment_endings.reading import EndingNotFound
from fundline.services.operations_api.payment_endings.schemas import EndingRequest
from fundline.services.operations_api.payments.reading import PaymentNotFound

A_STEP_IS_OVER_AFTER = timedelta(minutes=3)
"""Longer than any worker takes for a step: what was on its way to the bank when the ending was asked for has arrived.
Afterwards no worker sends the payment, because an ending is asked for."""


class PaymentEndings:
    """Methods give the ending as it is now. All raise SecondPersonNeeded for the applicant, EndingConflict, and what
    `once.write` raises.
    """

    def __init__(self, database: Database, *, now: Clock = utc_now, fresh_id: NewId = new_id) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._log = get_log()

    async def propose(self, caller: Caller, asked: EndingRequest, once: Once[PaymentEnding]) -> PaymentEnding:
        """Nothing is written of the payment; it is looked up on, and not sent again. Raises InvalidRequest,
        PaymentNotFound.
        """
        result, ending_id = result_of(asked), self._fresh_id()

        async def work(connection: Connection) -> PaymentEnding:
            held = await lock_held(connection, asked.application_id)
            if held is None:
                raise PaymentNotFound
            application, payment = held
            require_uninvolved(caller, first=None, applicant=application.user_id)
            require_endable(payment, result)
            await store.propose(
                connection, ending_id, payment.payment_id,
                outcome=asked.outcome, transaction_id=asked.transaction_id, code=asked.code,
                evidence=asked.evidence, reason=asked.reason, by=caller.subject, at=self._now(),
            )  # fmt: skip
            return await self._audited(connection, caller, ending_id, "payment.ending_proposed", asked.reason)

        return await self._written(caller, once, work)

    async def agree(
        self, caller: Caller, ending_id: UUID, reason: str, once: Once[PaymentEnding]
    ) -> PaymentEnding:
        """The payment has its result. Raises SecondPersonNeeded for who asked for it too; EndingNotFound."""

        async def work(connection: Connection) -> PaymentEnding:
            application, payment, row = await _proposed(connection, ending_id)
            require_uninvolved(caller, first=row["requested_by"], applicant=application.user_id)
            result = PaymentResult(PaymentState(row["outcome"]), row["transaction_id"], row["code"])
            require_endable(payment, result)
            at = self._now()
            if result.reached is PaymentState.FAILED and at < row["requested_at"] + A_STEP_IS_OVER_AFTER:
                raise EndingConflict(
                    "A worker may have sent it at the moment when this was asked for; agree three minutes after that."
                )
            await store.decide(connection, ending_id, "agreed", by=caller.subject, at=at)
            writing = Writing(
                actor_of(caller),
                at,
                self._fresh_id,
                settles=SETTLES,
                resolution=f"Two people have ended the payment as {row['outcome']}: {reason}",
                reason=reason,
                details={
                    "endingId": str(ending_id),
                    "requestedBy": row["requested_by"],
                    ROWS: await read_rows(connection, PAYMENT_ENDINGS, [ending_id]),
                },
                evidence=row["evidence"].encode(),
            )
            await write_result(connection, application, payment, result, writing)
            return ending_of(await store.find(connection, ending_id))

        return await self._written(caller, once, work)

    async def withdraw(
        self, caller: Caller, ending_id: UUID, reason: str, once: Once[PaymentEnding]
    ) -> PaymentEnding:
        """The payment goes on. Any operator may, who asked for it too, but not the applicant. Raises EndingNotFound."""

        async def work(connection: Connection) -> PaymentEnding:
            application, _, _ = await _proposed(connection, ending_id)
            require_uninvolved(caller, first=None, applicant=application.user_id)
            await store.decide(connection, ending_id, "withdrawn", by=caller.subject, at=self._now())
            return await self._audited(connection, caller, ending_id, "payment.ending_withdrawn", reason)

        return await self._written(caller, once, work)

    async def _written(
        self,
        caller: Caller,
        once: Once[PaymentEnding],
        work: Callable[[Connection], Awaitable[PaymentEnding]],
    ) -> PaymentEnding:
        try:
            ending = await once.write(self._database, work)
        except UniqueRule as twice:
            raise EndingConflict("Somebody has asked for an ending of this payment already.") from twice
        self._log.info(
            "payment.ending",
            application_id=str(ending.application_id),
            payment_id=str(ending.payment_id),
            state=ending.state,
            outcome=ending.outcome,
            **{"user.id": caller.subject},
        )
        return ending

    async def _audited(
        self, connection: Connection, caller: Caller, ending_id: UUID, action: str, reason: str
    ) -> PaymentEnding:
        """The ending as it is now, once the trail says so."""
        row = await store.find(connection, ending_id)
        ending = ending_of(row)
        details = {
            "endingId": str(ending_id),
            "paymentId": str(ending.payment_id),
            ROWS: await read_rows(connection, PAYMENT_ENDINGS, [ending_id]),
        }
        stream = application_stream(ending.application_id)
        evidence = ending.evidence.encode()
        entry = AuditEntry(stream, actor_of(caller), action, self._now(), reason, details, evidence)
        await record(connection, entry)
        return ending


async def _proposed(connection: Connection, ending_id: UUID) -> tuple[LockedApplication, HeldPayment, Any]:
    """Application, payment and ending, locked in this order. Raises EndingNotFound, EndingConflict once decided."""
    application_id = await store.application_of(connection, ending_id)
    held = None if application_id is None else await lock_held(connection, application_id)
    if held is None:
        raise EndingNotFound
    row = await store.lock(connection, ending_id)
    if row["state"] != "proposed":
        raise EndingConflict(f"{row['decided_by']} has decided it: {row['state']}.")
    return (*held, row)
