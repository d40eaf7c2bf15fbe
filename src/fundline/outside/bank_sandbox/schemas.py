"""What the bank reads and answers. JSON in camelCase, amounts as decimal strings."""

import hashlib
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from fundline.domain.money import Money, MoneyError
from fundline.outside.bank_sandbox.store import Payment
from fundline.platform.refusals import FieldError, InvalidRequest
from fundline.platform.shapes import Exact


class Body(Exact):
    model_config = ConfigDict(hide_input_in_errors=True)


class IbanPayee(Body):
    type: Literal["iban"]
    iban: Annotated[str, Field(pattern=r"^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$")]

    @property
    def ending(self) -> str:
        return self.iban[-4:]


class UsPayee(Body):
    type: Literal["us"]
    routing_number: Annotated[str, Field(pattern=r"^[0-9]{9}$")]
    account_number: Annotated[str, Field(pattern=r"^[0-9]{4,17}$")]

    @property
    def ending(self) -> str:
        return self.account_number[-4:]


class PaymentOrder(Body):
    """POST /v1/payments; the payment's id is the Idempotency-Key."""

    amount: Annotated[str, Field(max_length=24)]
    currency: Annotated[str, Field(max_length=3)]
    payee: Annotated[IbanPayee | UsPayee, Field(discriminator="type")]
    reference: Annotated[str, Field(min_length=1, max_length=140)]

    def fingerprint(self) -> bytes:
        """Equal for orders that mean the same, however their JSON was written."""
        text = orjson.dumps(self.model_dump(by_alias=True), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).digest()


class StatementQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    cursor: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


def order_amount(order: PaymentOrder) -> Money:
    """More than zero. Raises InvalidRequest."""
    try:
        amount = Money.parse(order.amount, order.currency)
    except MoneyError as error:
        raise InvalidRequest("Nothing was booked.", errors=[FieldError("amount", str(error))]) from error
    if amount.amount_minor <= 0:
        raise InvalidRequest(
            "Nothing was booked.",
            errors=[FieldError("amount", "The amount of a payment must be more than zero.")],
        )
    return amount


def payment_answer(payment: Payment) -> dict[str, Any]:
    """`status` is `accepted`, `settled`, with a transactionId, `declined`, with a code, or `returned`, with both."""
    answer: dict[str, Any] = {
        "paymentId": payment.payment_id,
        "status": payment.status,
        "amount": Money(payment.amount_minor, payment.currency).text(),
        "currency": payment.currency,
    }
    if payment.status == "settled":
        return {**answer, "transactionId": payment.transaction_id}
    if payment.status == "returned":
        return {**answer, "transactionId": payment.transaction_id, "code": payment.return_code}
    return {**answer, "code": payment.decline_code} if payment.status == "declined" else answer


def statement_line(payment: Payment) -> dict[str, Any]:
    return {
        **payment_answer(payment),
        "payeeLast4": payment.payee_last4,
        "reference": payment.reference,
        "bookedAt": payment.returned_at or payment.booked_at,
    }
