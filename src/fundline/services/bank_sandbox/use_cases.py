"""What the bank does: pays an order once per payment id, tells about a payment, gives its statement."""

from dataclasses import dataclass
from uuid import UUID

from fundline.contracts.payloads import iso_utc
from fundline.domain.money import Money
from fundline.platform.clock import Clock, NewId
from fundline.platform.refusals import Kind, Refusal
from fundline.platform.telemetry.logs import get_log
from fundline.services.bank_sandbox.bookkeeper import Bookkeeper
from fundline.services.bank_sandbox.conduct import Conduct
from fundline.services.bank_sandbox.decline_rules import decline_of
from fundline.services.bank_sandbox.schemas import PaymentOrder
from fundline.services.bank_sandbox.store import BookedPayment


class PaymentIdReused(Refusal):
    kind = Kind.KEY_REUSED
    code = "idempotency-key-reused"
    title = "The Idempotency-Key belongs to another order"


class PaymentUnknown(Refusal):
    kind = Kind.NOT_FOUND
    code = "payment-unknown"
    title = "The bank has never seen this payment"


class BankBusy(Refusal):
    kind = Kind.TOO_MANY
    code = "bank-busy"
    title = "The bank works on as many orders as it can"


@dataclass(frozen=True, slots=True)
class PaymentResult:
    payment: BookedPayment
    is_replay: bool


class Bank:
    def __init__(
        self, bookkeeper: Bookkeeper, conduct: Conduct, *, max_in_process: int, now: Clock, fresh_id: NewId
    ) -> None:
        self._bookkeeper, self._conduct, self._max_in_process = bookkeeper, conduct, max_in_process
        self._now, self._fresh_id = now, fresh_id
        self._in_process = 0
        self._log = get_log()

    async def pay(self, payment_id: UUID, amount: Money, order: PaymentOrder) -> PaymentResult:
        """Settled or declined, and the same for ever. Raises PaymentIdReused, BankBusy or LedgerUnavailable."""
        if self._in_process >= self._max_in_process:
            raise BankBusy("Nothing was booked; send the order again in a second.", retry_after_s=1)
        self._in_process += 1
        try:
            await self._conduct.before_booking(str(payment_id))
            decided = self._decide(payment_id, amount, order)
            booked = await self._bookkeeper.book(decided)
            if booked.order_hash != decided.order_hash:
                raise PaymentIdReused("This payment id was used for another order; that one stands.")
            result = PaymentResult(booked, is_replay=booked is not decided)
            self._tell(result)
            await self._conduct.before_answering(str(payment_id))
        finally:
            self._in_process -= 1
        return result

    async def payment(self, payment_id: UUID) -> BookedPayment:
        """Raises PaymentUnknown."""
        found = await self._bookkeeper.find(str(payment_id))
        if found is None:
            raise PaymentUnknown("No order with this payment id has been booked.")
        return found

    async def statement(self, after_position: int, limit: int) -> list[BookedPayment]:
        """Every booking after a position, oldest first, at most `limit`."""
        return await self._bookkeeper.statement(after_position, limit)

    def _decide(self, payment_id: UUID, amount: Money, order: PaymentOrder) -> BookedPayment:
        decline = decline_of(order.payee.ending)
        return BookedPayment(
            position=0,
            payment_id=str(payment_id),
            order_hash=order.fingerprint(),
            status="settled" if decline is None else "declined",
            transaction_id=f"txn_{self._fresh_id().hex}" if decline is None else None,
            decline_code=None if decline is None else decline.code,
            amount_minor=amount.amount_minor,
            currency=amount.currency,
            payee_last4=order.payee.ending,
            reference=order.reference,
            booked_at=iso_utc(self._now()),
        )

    def _tell(self, result: PaymentResult) -> None:
        payment = result.payment
        self._log.info(
            "bank.payment_replayed" if result.is_replay else f"bank.payment_{payment.status}",
            payment_id=payment.payment_id,
            reference=payment.reference,
            status=payment.status,
            transaction_id=payment.transaction_id,
            decline_code=payment.decline_code,
        )
