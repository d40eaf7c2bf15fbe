"""The sweep: goes on with every payment that has no result, whatever happened to the message that asked for it.

A row of `disbursements` says when its next step is due. Each worker takes due rows; `skip locked` keeps them from
taking the same, and a worker that dies leaves its rows to be due again. Payments without a result for too long get a
case for a person, once; they are looked up all the same, and the case closes by itself when the bank has spoken.
"""

import asyncio
from datetime import timedelta

from fundline.contracts.payloads import iso_utc
from fundline.domain.money import MINOR_UNITS
from fundline.domain.payment import FINISHED, WITH_THE_BANK, PaymentState
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Database, RowBusy
from fundline.platform.loop import Loop
from fundline.platform.refusals import Unavailable
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.cases import CaseKind, NewCase, open_case
from fundline.services.disbursement_worker import store
from fundline.services.disbursement_worker.bank_desk import BankDesk
from fundline.services.disbursement_worker.gate import Gate
from fundline.services.disbursement_worker.metrics import PaymentMetrics
from fundline.services.disbursement_worker.payment_entry import SOURCE, record_step
from fundline.services.disbursement_worker.payments import Payments
from fundline.services.disbursement_worker.store import Payment

BATCH = 16
"""Payments taken at once, and asked for side by side."""
_LOOKED_UP = WITH_THE_BANK | {PaymentState.SETTLED}
"""A settled payment is due only when somebody has asked for it: the bank's statement has it back."""
_UNFINISHED = _LOOKED_UP | {PaymentState.REQUESTED}


class Sweep(Loop):
    """`step_lasts`: how long a taken payment is left alone; longer than the calls of one step may take."""

    def __init__(
        self,
        database: Database,
        gate: Gate,
        payments: Payments,
        desk: BankDesk,
        metrics: Metrics,
        *,
        step_lasts: timedelta,
        escalate_after: timedelta,
        every_s: float,
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
    ) -> None:
        super().__init__("sweep", every_s=every_s, limit_s=120.0)
        self._database, self._gate, self._payments, self._desk = database, gate, payments, desk
        self._metrics = metrics.of(PaymentMetrics)
        self._step_lasts, self._escalate_after = step_lasts, escalate_after
        self._now, self._fresh_id = now, fresh_id

    async def turn(self) -> float | None:
        await self.escalate()
        taken = await self.take_due()
        await self._observe()
        return None if taken < BATCH else 0

    async def take_due(self) -> int:
        """One step for each payment that is due; returns how many were taken. Raises DatabaseUnavailable."""
        if not await self._bank_is_there():
            return 0
        now = self._now()
        taken = await store.claim_due(
            self._database,
            now=now,
            claimed_until=now + self._step_lasts,
            states=_LOOKED_UP if self._gate.is_halted else _UNFINISHED,
            limit=BATCH,
        )
        await asyncio.gather(*(self._step(payment) for payment in taken))
        return len(taken)

    async def _bank_is_there(self) -> bool:
        """After an outage one look-up finds out, as soon as the breaker allows a call: no payment is risked for it."""
        if self._gate.may_probe and (payment_id := await store.next_payment(self._database)) is not None:
            await self._desk.probe(payment_id)
        return not self._gate.bank_is_away

    async def escalate(self) -> int:
        """Open a case for each payment that is overdue; returns how many were. Raises DatabaseUnavailable."""
        overdue = await store.overdue(
            self._database, submitted_until=self._now() - self._escalate_after, limit=BATCH
        )
        return sum([await self._escalate(payment) for payment in overdue])

    async def _step(self, payment: Payment) -> None:
        """What goes wrong with one payment stops no other: it is due again when its time has passed."""
        try:
            if payment.state in _LOOKED_UP:
                await self._desk.look_up(payment)
            elif (submitted := await self._payments.resume(payment.application_id)) is not None:
                await self._desk.send(*submitted)
        except Exception as error:
            log = self._log.warning if isinstance(error, Unavailable) else self._log.error
            log("payment.step_failed", exc_info=error, **payment.ids())

    async def _escalate(self, payment: Payment) -> bool:
        at = self._now()
        sentence = (
            f"The bank has not said for {int(self._escalate_after.total_seconds() // 60)} minutes what became of a "
            f"payment of {payment.amount.text()} {payment.amount.currency}."
        )
        details = {
            "state": payment.state.value,
            "submittedAt": None if payment.submitted_at is None else iso_utc(payment.submitted_at),
            "steps": payment.steps,
        }
        case = NewCase(
            CaseKind.PAYMENT_UNKNOWN, str(payment.payment_id), sentence, payment.application_id, details
        )
        try:
            async with self._database.transaction() as connection:
                if not await store.mark_escalated(connection, payment.payment_id, at):
                    return False
                await open_case(connection, case, case_id=self._fresh_id(), opened_by=SOURCE, at=at)
                await record_step(connection, payment, "payment.escalated", at, details, reason=sentence)
        except RowBusy:
            return False  # somebody is at work on it, and the next look finds it again
        self._metrics.payments_escalated.inc()
        self._log.error("payment.escalated", state=payment.state.value, **payment.ids())
        return True

    async def _observe(self) -> None:
        found = await store.unfinished(self._database)
        for state in PaymentState:
            if state not in FINISHED:
                self._metrics.payments_unfinished.labels(state.value).set(found.get(state.value, 0))
        unfunded = await store.unfunded(self._database)
        for currency in MINOR_UNITS:
            self._metrics.payments_unfunded.labels(currency).set(unfunded.get(currency, 0))
