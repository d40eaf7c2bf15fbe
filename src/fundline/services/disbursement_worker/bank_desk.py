"""Asking the bank, outside of any transaction: try, and conclude what it says, or ask later.

| answer | the payment |
|---|---|
| settled, declined | has its result: `results.py`; its amount must be the order's |
| returned | was settled, and the money is back: `results.py` |
| what does not agree, with itself or the order | is held until people have resolved its case; looking it up goes on |
| accepted | stays with the bank; its webhook or a look-up brings the result |
| none, after it was sent | becomes `unknown`: it is looked up, never assumed and never sent under another id |
| not sent, busy, breaker open | nothing has happened: the step is repeated |
| never seen it, when looked up | is sent again, if payments may be sent: the same id, and provably the same order |
| the same, while people are about to end it | is not sent again: they have the bank's written word |
| never seen it, and had accepted it | is not sent again: a bank that has lost an order may have paid it; a case |
"""

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from fundline.banks.bank import (
    Accepted,
    Bank,
    BankAnswer,
    BankAnswerUnexpected,
    BankBusy,
    Declined,
    OrderInvalid,
    PaymentOrder,
    Returned,
    Settled,
    Unclear,
)
from fundline.domain.payment import PaymentState, change_state
from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database
from fundline.platform.http.client import CallNotSent, CallUnanswered
from fundline.platform.resilience import BreakerOpen
from fundline.platform.telemetry.logs import get_log
from fundline.services.disbursement_worker import store
from fundline.services.disbursement_worker.gate import Gate
from fundline.services.disbursement_worker.payment_entry import record_step
from fundline.services.disbursement_worker.payments import Payments
from fundline.services.disbursement_worker.results import Recorded, ResultBook
from fundline.services.disbursement_worker.store import Payment

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
_DOUBLINGS = 16


class BankDesk:
    """The only caller of the bank. `dice` gives 0 to 1."""

    def __init__(
        self,
        database: Database,
        bank: Bank,
        gate: Gate,
        payments: Payments,
        results: ResultBook,
        *,
        now: Clock = utc_now,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._database, self._bank, self._gate = database, bank, gate
        self._payments, self._results = payments, results
        self._now, self._dice = now, dice
        self._log = get_log()

    async def send(self, payment: Payment, order: PaymentOrder) -> None:
        """For the first time. Whatever the bank says or does not say, the row knows how it goes on."""
        await self._try(payment, self._pay(payment, order))

    async def look_up(self, payment: Payment) -> None:
        """Ask what became of a payment that is with the bank. Raises OrderChanged, SealBroken."""
        await self._try(payment, self._find(payment))

    async def probe(self, payment_id: UUID) -> None:
        """Look a payment up only to learn whether the bank is back: the breaker hears it. Nothing is recorded."""
        try:
            await self._bank.find(payment_id)
        except (BreakerOpen, CallNotSent, CallUnanswered, BankBusy, BankAnswerUnexpected) as cause:
            self._log.info("bank.still_away", cause=f"{type(cause).__name__}: {cause}")

    async def _pay(self, payment: Payment, order: PaymentOrder) -> BankAnswer | None:
        try:
            return await self._bank.pay(order)
        except CallUnanswered:
            await self._mark_unknown(payment)
            raise

    async def _find(self, payment: Payment) -> BankAnswer | None:
        found = await self._bank.find(payment.payment_id)
        if payment.state is PaymentState.SETTLED:
            return found
        if found is None and payment.is_accepted:
            await self._results.record_lost(payment.payment_id)
            return None
        if found is not None or self._gate.hold() is not None:
            return found
        order = await self._payments.order_again(payment)
        if order is None:
            return None
        self._log.warning("payment.sent_again", **payment.ids())
        return await self._pay(payment, order)

    async def _try(self, payment: Payment, asked: Awaitable[BankAnswer | None]) -> None:
        try:
            answer = await asked
        except BreakerOpen:
            await self._ask_later(payment, after_s=0.0)  # the sweep takes nothing while the breaker is open
        except (CallNotSent, CallUnanswered, BankBusy) as cause:
            said = f"{type(cause).__name__}: {cause}"
            self._log.warning("payment.asked_later", cause=said, **payment.ids())
            await self._ask_later(payment)
        except (BankAnswerUnexpected, OrderInvalid) as broken:
            self._log.error("payment.answer_unexpected", cause=str(broken), **payment.ids())
            await self._ask_later(payment)
        else:
            await self._conclude(payment, answer)

    async def _conclude(self, payment: Payment, answer: BankAnswer | None) -> None:
        if isinstance(answer, Settled | Declined | Returned | Unclear):
            recorded = await self._results.record(payment.payment_id, answer)
            if recorded in {Recorded.NOW, Recorded.BEFORE} and payment.state is not PaymentState.SETTLED:
                return
        if payment.state is PaymentState.SETTLED:
            async with self._database.transaction() as connection:
                await store.settled_as_before(connection, payment.payment_id)
            return
        await self._ask_later(payment, is_accepted=isinstance(answer, Accepted))

    async def _ask_later(
        self, payment: Payment, *, after_s: float | None = None, is_accepted: bool = False
    ) -> None:
        """Without `after_s` the pause grows with each step, and is a random part of what it may be."""
        if after_s is None:
            longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(payment.steps, _DOUBLINGS))
            after_s = self._dice() * longest
        async with self._database.transaction() as connection:
            if is_accepted:
                await store.mark_accepted(connection, payment.payment_id, self._now())
            await store.schedule(connection, payment.payment_id, self._now() + timedelta(seconds=after_s))

    async def _mark_unknown(self, payment: Payment) -> None:
        async with self._database.transaction() as connection:
            locked = await store.lock_payment(connection, payment.payment_id)
            if locked.state is not PaymentState.SUBMITTED:
                return  # unknown before, or its result is known by now
            at, reached = self._now(), change_state(locked.state, PaymentState.UNKNOWN)
            await connection.execute(
                *store.MARK_UNKNOWN(payment_id=locked.payment_id, state=reached.value, at=at)
            )
            await record_step(connection, locked, "payment.unknown", at, {})
        self._log.warning("payment.unknown", **locked.ids())
