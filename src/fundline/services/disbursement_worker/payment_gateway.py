"""The way to a bank: what the worker needs of one, and the sandbox bank over HTTP."""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from fundline.domain.money import Money
from fundline.platform.http.client import Answer, CallNotSent, CallUnanswered, JsonClient, ServerFailed
from fundline.platform.telemetry.metrics import Metrics

_DECLINED, _UNKNOWN = "urn:fundline:problem:payment-declined", "urn:fundline:problem:payment-unknown"
_BUSY = "urn:fundline:problem:bank-busy"
_OK, _CREATED, _ACCEPTED, _NOT_FOUND, _UNPROCESSABLE, _TOO_MANY = 200, 201, 202, 404, 422, 429


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """`payment_id` is the bank's idempotency key; `payee` the account as the applicant gave it, in clear."""

    payment_id: UUID
    amount: Money
    payee: dict[str, Any]
    reference: str

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

    async def pay(self, order: PaymentOrder) -> BankAnswer: ...

    async def find(self, payment_id: UUID) -> BankAnswer | None:
        """None: the bank has never seen the payment."""


class SandboxBank:
    """Counts every call by operation and result; never retries."""

    def __init__(self, client: JsonClient, metrics: Metrics) -> None:
        self._client, self._metrics = client, metrics

    async def pay(self, order: PaymentOrder) -> BankAnswer:
        body = {
            "amount": order.amount.text(),
            "currency": order.amount.currency,
            "payee": order.payee,
            "reference": order.reference,
        }
        headers = {"idempotency-key": str(order.payment_id)}
        answer = await self._call("pay", "POST", "/v1/payments", body=body, headers=headers)
        if answer.status == _CREATED and answer.body.get("status") == "settled":
            return self._noted("pay", Settled(str(answer.body["transactionId"])))
        if answer.status == _ACCEPTED and answer.body.get("status") == "accepted":
            return self._noted("pay", Accepted())
        if answer.status == _UNPROCESSABLE and answer.body.get("type") == _DECLINED:
            return self._noted("pay", Declined(str(answer.body["code"])))
        raise self._unexpected("pay", answer)

    async def find(self, payment_id: UUID) -> BankAnswer | None:
        answer = await self._call("find", "GET", f"/v1/payments/{payment_id}")
        if answer.status == _NOT_FOUND and answer.body.get("type") == _UNKNOWN:
            self._count("find", "not_found")
            return None
        if answer.status == _OK and answer.body.get("status") == "accepted":
            return self._noted("find", Accepted())
        if answer.status == _OK and answer.body.get("status") == "settled":
            return self._noted("find", Settled(str(answer.body["transactionId"])))
        if answer.status == _OK and answer.body.get("status") == "declined":
            return self._noted("find", Declined(str(answer.body["code"])))
        raise self._unexpected("find", answer)

    async def _call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        try:
            answer = await self._client.call(method, path, body=body, headers=headers)
        except CallNotSent:
            self._count(operation, "not_sent")
            raise
        except ServerFailed as failed:
            if failed.answer.body.get("type") == _BUSY:  # the bank itself says that nothing was booked
                raise self._busy(operation) from failed
            self._count(operation, "unanswered")
            raise
        except CallUnanswered:
            self._count(operation, "unanswered")
            raise
        if answer.status == _TOO_MANY:
            raise self._busy(operation)
        return answer

    def _noted(self, operation: str, answer: BankAnswer) -> BankAnswer:
        self._count(operation, type(answer).__name__.lower())
        return answer

    def _busy(self, operation: str) -> BankBusy:
        self._count(operation, "busy")
        return BankBusy("the bank works on as many orders as it can, or on none")

    def _unexpected(self, operation: str, answer: Answer) -> BankAnswerUnexpected:
        self._count(operation, "unexpected")
        kind = str(answer.body.get("type", answer.body.get("status", "")))[:100]
        return BankAnswerUnexpected(f"{operation}: the bank answered {answer.status} {kind}")

    def _count(self, operation: str, result: str) -> None:
        self._metrics.bank_calls.labels(operation, result).inc()
