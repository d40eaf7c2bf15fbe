"""Asking the bank, outside of any transaction, and what each of its answers means.

| answer | the payment |
|---|---|
| settled, declined | has its result: `results.py` |
| accepted | stays with the bank; its webhook or a look-up brings the result |
| none, after it was sent | becomes `unknown`: it is looked up, never assumed and never sent under another id |
| not sent, busy, breaker open | nothing has happened: the step is repeated |
| never seen it, when looked up | is sent again, if payments may be sent: the same id, and provably the same order |
| never seen it, and had accepted it | is not sent again: a bank that has lost an order may have paid it; a case |
"""

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from fundline.domain.disbursement import DisbursementState, change_state
from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database
from fundline.platform.http.client import CallNotSent, CallUnanswered
from fundline.platform.resilience import BreakerOpen
from fundline.platform.telemetry.logs import get_log
from fundline.services.disbursement_worker import store
from fundline.services.disbursement_worker.due_store import DuePayment
from fundline.services.disbursement_worker.gate import Gate
from fundline.services.disbursement_worker.payment_entry import record_step
from fundline.services.disbursement_worker.payment_gateway import (
    Accepted,
    BankAnswer,
    BankAnswerUnexpected,
    BankBusy,
    Declined,
    OrderInvalid,
    PaymentGateway,
    PaymentOrder,
    Settled,
)
from fundline.services.disbursement_worker.results import ResultBook
from fundline.services.disbursement_worker.use_cases import Payout, SubmittedPayment

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
_DOUBLINGS = 16


class BankDesk:
    """The only caller of the bank. `dice` gives 0 to 1."""

    def __init__(
        self,
        database: Database,
        bank: PaymentGateway,
        gate: Gate,
        payout: Payout,
        results: ResultBook,
        *,
        now: Clock = utc_now,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._database, self._bank, self._gate = database, bank, gate
        self._payout, self._results = payout, results
        self._now, self._dice = now, dice
        self._log = get_log()

    async def send(self, payment: SubmittedPayment) -> None:
        """For the first time. Whatever the bank says or does not say, the row knows how it goes on."""
        taken = DuePayment(
            payment.application_id, payment.order.payment_id, DisbursementState.SUBMITTED, steps=0
        )
        await self._conclude(taken, self._pay(taken, payment.order))

    async def look_up(self, taken: DuePayment) -> None:
        """Ask what became of a payment that is with the bank. Raises OrderChanged, SealBroken."""
        await self._conclude(taken, self._find(taken))

    async def probe(self, payment_id: UUID) -> None:
        """Look a payment up only to learn whether the bank is back: the breaker hears it. Nothing is recorded."""
        try:
            await self._bank.find(payment_id)
        except (BreakerOpen, CallNotSent, CallUnanswered, BankBusy, BankAnswerUnexpected) as cause:
            self._log.info("bank.still_away", cause=f"{type(cause).__name__}: {cause}")

    async def _pay(self, taken: DuePayment, order: PaymentOrder) -> BankAnswer | None:
        try:
            return await self._bank.pay(order)
        except CallUnanswered:
            await self._mark_unknown(taken)
            raise

    async def _find(self, taken: DuePayment) -> BankAnswer | None:
        found = await self._bank.find(taken.payment_id)
        if found is None and taken.is_accepted:
            await self._results.record_lost(taken.application_id)
            return None
        if found is not None or self._gate.hold() is not None:
            return found
        order = await self._payout.order_again(taken.application_id)
        self._log.warning("payment.sent_again", **_ids(taken))
        return await self._pay(taken, order)

    async def _conclude(self, taken: DuePayment, asked: Awaitable[BankAnswer | None]) -> None:
        pause_s = self._dice() * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(taken.steps, _DOUBLINGS))
        is_accepted = False
        try:
            answer = await asked
        except BreakerOpen:
            pause_s = 0.0  # due at once: the sweep takes nothing while the breaker is open
        except (CallNotSent, CallUnanswered, BankBusy) as cause:
            self._log.warning("payment.asked_later", cause=f"{type(cause).__name__}: {cause}", **_ids(taken))
        except (BankAnswerUnexpected, OrderInvalid) as broken:
            self._log.error("payment.answer_unexpected", cause=str(broken), **_ids(taken))
        else:
            if isinstance(answer, Settled | Declined):
                await self._results.record(taken.application_id, answer)
                return
            is_accepted = isinstance(answer, Accepted)
        async with self._database.transaction() as connection:
            if is_accepted:
                await store.mark_accepted(connection, taken.payment_id, self._now())
            await store.schedule(connection, taken.payment_id, self._now() + timedelta(seconds=pause_s))

    async def _mark_unknown(self, taken: DuePayment) -> None:
        async with self._database.transaction() as connection:
            payment = await store.lock_disbursement(connection, taken.application_id)
            if payment.state is not DisbursementState.SUBMITTED:
                return  # unknown before, or its result is known by now
            at, reached = self._now(), change_state(payment.state, DisbursementState.UNKNOWN)
            await store.mark_unknown(connection, payment.payment_id, reached, at)
            await record_step(connection, payment, "payment.unknown", at, {})
        self._log.warning("payment.unknown", **_ids(taken))


def _ids(taken: DuePayment) -> dict[str, str]:
    return {"application_id": str(taken.application_id), "payment_id": str(taken.payment_id)}
