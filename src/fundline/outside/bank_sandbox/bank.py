"""What the bank does: pays an order once per payment id, tells about a payment, gives its statement."""

from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from fundline.contracts.payloads import iso_utc
from fundline.domain.money import Money
from fundline.outside.bank_sandbox.booking import accept, epoch_ms
from fundline.outside.bank_sandbox.bookkeeper import Bookkeeper
from fundline.outside.bank_sandbox.conduct import BankBusy, Conduct
from fundline.outside.bank_sandbox.decline_rules import decline_of
from fundline.outside.bank_sandbox.faults import Call, Operation
from fundline.outside.bank_sandbox.outcomes import Outcomes, log_outcome
from fundline.outside.bank_sandbox.schemas import PaymentOrder
from fundline.outside.bank_sandbox.store import (
    Order,
    Payment,
    Plan,
    count_all,
    find_payment,
    read_balances,
    read_returns,
    read_statement,
)
from fundline.platform.clock import Clock, NewId
from fundline.platform.refusals import Kind, Refusal
from fundline.platform.telemetry.logs import get_log


class PaymentIdReused(Refusal):
    kind = Kind.KEY_REUSED
    code = "idempotency-key-reused"
    title = "The Idempotency-Key belongs to another order"


class PaymentUnknown(Refusal):
    kind = Kind.NOT_FOUND
    code = "payment-unknown"
    title = "The bank has never seen this payment"


@dataclass(frozen=True, slots=True)
class PaymentResult:
    payment: Payment
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """How the bank works: orders at once, when it settles, and which outcomes it tells the customer of."""

    max_in_process: int = 2000
    settlement_delay_ms: int = 0
    has_webhook: bool = False
    tells_of_all: bool = False


class Bank:
    def __init__(
        self,
        bookkeeper: Bookkeeper,
        conduct: Conduct,
        outcomes: Outcomes,
        *,
        terms: Terms,
        now: Clock,
        fresh_id: NewId,
    ) -> None:
        self._bookkeeper, self._conduct, self._outcomes, self._terms = bookkeeper, conduct, outcomes, terms
        self._now, self._fresh_id = now, fresh_id
        self._in_process = 0
        self._log = get_log()

    async def pay(self, payment_id: UUID, amount: Money, order: PaymentOrder) -> PaymentResult:
        """Settled or declined, and the same for ever, or accepted for the time being.

        Raises PaymentIdReused, BankBusy, BankClosed, LedgerUnavailable or Misbehaviour.
        """
        if self._in_process >= self._terms.max_in_process:
            raise BankBusy("Nothing was booked; send the order again in a second.", retry_after_s=1)
        call = Call("pay", str(payment_id), order.payee.ending, amount, order.reference)
        self._in_process += 1
        try:
            await self._conduct.on_arrival(call)
            result = await self._accept(call, amount, order)
            await self._conduct.before_answering(call)
        finally:
            self._in_process -= 1
        told = self._conduct.as_answered(call, result.payment)
        return result if told is None else replace(result, payment=told)

    async def payment(self, payment_id: UUID) -> Payment:
        """Raises PaymentUnknown, or what the conduct raises."""
        call = Call("find", str(payment_id))
        await self._conduct.on_arrival(call)
        found = await self.outcome(payment_id)
        await self._conduct.before_answering(call)
        told = None if found is None else self._conduct.as_answered(_known_call("find", found), found)
        if told is None:
            raise PaymentUnknown("No order with this payment id has been accepted.")
        return told

    async def outcome(self, payment_id: UUID) -> Payment | None:
        """For the bank's own use: no fault keeps it from answering."""
        return await self._bookkeeper.read(partial(find_payment, payment_id=str(payment_id)))

    async def returns(self, after_position: int) -> list[Payment]:
        """What has come back behind a position of the statement; for the bank's own use."""
        return await self._bookkeeper.read(partial(read_returns, after_position=after_position))

    async def statement(self, after_position: int, limit: int, *, booked_only: bool = False) -> list[Payment]:
        """Every outcome after a position, oldest first, at most `limit`; `booked_only`: those that moved money.

        Raises what the conduct raises.
        """
        call = Call("statement")
        await self._conduct.on_arrival(call)
        read = partial(read_statement, after_position=after_position, limit=limit, booked_only=booked_only)
        found = await self._bookkeeper.read(read)
        await self._conduct.before_answering(call)
        return [self._conduct.as_answered(_known_call("statement", line), line) or line for line in found]

    async def balances(self, up_to: int) -> dict[str, int]:
        """By currency, in minor units, what has gone from the customers' account up to a position."""
        return await self._bookkeeper.read(partial(read_balances, up_to=up_to))

    async def counts(self) -> dict[str, int]:
        """How much of everything there is; no fault keeps it from answering."""
        return {**await self._bookkeeper.read(count_all), "inProcess": self._in_process}

    async def _accept(self, call: Call, amount: Money, order: PaymentOrder) -> PaymentResult:
        at, plan = self._now(), self._plan(call)
        kept = Order(
            call.payment_id or "",
            order.fingerprint(),
            amount.amount_minor,
            amount.currency,
            order.payee.ending,
            order.reference,
            iso_utc(at),
        )
        work = partial(accept, order=kept, plan=plan, at=at, fresh_id=self._fresh_id)
        payment, is_new = await self._bookkeeper.write(work)
        if payment.order_hash != kept.order_hash:
            raise PaymentIdReused("This payment id was used for another order; that one stands.")
        if is_new:
            log_outcome(self._log, payment)
            if plan.return_after_ms is not None:
                self._outcomes.wake()
            if plan.due_at_ms is not None or plan.notices:
                self._outcomes.note(payment)
        else:
            self._log.info(
                "bank.payment_replayed", payment_id=payment.payment_id, reference=payment.reference
            )
        return PaymentResult(payment, is_replay=not is_new)

    def _plan(self, call: Call) -> Plan:
        terms, decision = self._terms, self._conduct.decide(call)
        decline = decline_of(call.payee_ending or "")
        delay_ms = terms.settlement_delay_ms if decision.settle_after_ms is None else decision.settle_after_ms
        comes_back = decision.return_after_ms is not None
        is_told = terms.has_webhook and (
            delay_ms > 0 or terms.tells_of_all or decision.is_told_twice or comes_back
        )
        return Plan(
            decision.decline_code or (None if decline is None else decline.code),
            epoch_ms(self._now()) + delay_ms if delay_ms > 0 else None,
            (2 if decision.is_told_twice else 1) if is_told else 0,
            decision.return_after_ms,
            decision.return_code or "",
        )


def _known_call(operation: Operation, payment: Payment) -> Call:
    """What a rule may look at once the payment is found."""
    amount = Money(payment.amount_minor, payment.currency)
    return Call(operation, payment.payment_id, payment.payee_last4, amount, payment.reference)
