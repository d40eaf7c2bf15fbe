"""The way to a bank: what the worker needs of one, whichever it is."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from fundline.domain.money import Money
from fundline.platform.http.client import CallNotSent, CallUnanswered
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.accounts import IbanAccount, PayoutAccount, UsAccount
from fundline.services.disbursement_worker.metrics import PaymentMetrics

_ACCOUNT: TypeAdapter[IbanAccount | UsAccount] = TypeAdapter(PayoutAccount)


class OrderInvalid(ValueError):
    """The order breaks a rule of the payment's form; nothing was sent, and no repetition can help."""


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """`payment_id` is the bank's idempotency key; `payee` the account as the applicant gave it, in clear."""

    payment_id: UUID
    amount: Money
    payee: dict[str, Any]
    reference: str

    def account(self) -> IbanAccount | UsAccount:
        """The payee's account, its check digits right. Raises OrderInvalid, which does not say the number."""
        try:
            return _ACCOUNT.validate_python(self.payee)
        except ValidationError:
            raise OrderInvalid(f"payment {self.payment_id}: the payee's account is not valid") from None

    def __repr__(self) -> str:  # the account must not reach a log by way of an exception
        return f"PaymentOrder({self.payment_id}, {self.amount.text()} {self.amount.currency})"


@dataclass(frozen=True, slots=True)
class Settled:
    transaction_id: str


@dataclass(frozen=True, slots=True)
class Declined:
    code: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The bank has the order and will settle or decline it later: it tells by webhook, and when asked."""


BankResult = Settled | Declined
"""Final: the bank gives the same one for ever."""
BankAnswer = BankResult | Accepted


class BankBusy(Exception):
    """The bank asks for patience: it has not looked at the order, and nothing was booked."""


class BankAnswerUnexpected(Exception):
    """Neither a result nor a known refusal: ours or the bank's contract is broken, and a person must look."""


class PaymentGateway(Protocol):
    """Both raise CallNotSent, CallUnanswered, BankBusy or BankAnswerUnexpected."""

    async def pay(self, order: PaymentOrder) -> BankAnswer:
        """Raises OrderInvalid too, before anything is sent."""

    async def find(self, payment_id: UUID) -> BankAnswer | None:
        """None: the bank has never seen the payment."""


_Answer = TypeVar("_Answer", bound=BankAnswer | None)


class CountedBank:
    """Counts every call of another gateway by operation and result."""

    def __init__(self, bank: PaymentGateway, metrics: Metrics) -> None:
        self._bank, self._calls = bank, metrics.of(PaymentMetrics).bank_calls

    async def pay(self, order: PaymentOrder) -> BankAnswer:
        return await self._counted("pay", self._bank.pay(order))

    async def find(self, payment_id: UUID) -> BankAnswer | None:
        return await self._counted("find", self._bank.find(payment_id))

    async def _counted(self, operation: str, call: Awaitable[_Answer]) -> _Answer:
        result = "failed"
        try:
            answer = await call
            result = "not_found" if answer is None else type(answer).__name__.lower()
        except CallNotSent:
            result = "not_sent"
            raise
        except CallUnanswered:
            result = "unanswered"
            raise
        except BankBusy:
            result = "busy"
            raise
        except BankAnswerUnexpected:
            result = "unexpected"
            raise
        except OrderInvalid:
            result = "invalid"
            raise
        finally:
            self._calls.labels(operation, result).inc()
        return answer
