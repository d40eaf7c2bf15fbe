"""The sandbox bank over its HTTP API: JSON, with the payment id as idempotency key."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from fundline.banks.bank import (
    Accepted,
    BankAnswer,
    BankAnswerUnexpected,
    BankBusy,
    Declined,
    PaymentOrder,
    Returned,
    Settled,
)
from fundline.banks.statement import Booking, StatementPage
from fundline.domain.money import Money, MoneyError
from fundline.platform.http.client import Answer, JsonClient, ServerFailed
from fundline.records.books import StatementLine

DECLINED, UNKNOWN = "urn:fundline:problem:payment-declined", "urn:fundline:problem:payment-unknown"
BUSY = "urn:fundline:problem:bank-busy"
_OK, _CREATED, _ACCEPTED, _NOT_FOUND, _UNPROCESSABLE, _TOO_MANY = 200, 201, 202, 404, 422, 429


class SandboxBank:
    statement_name = "sandbox"

    def __init__(self, client: JsonClient) -> None:
        self._client = client

    async def pay(self, order: PaymentOrder) -> BankAnswer:
        body = {
            "amount": order.amount.text(),
            "currency": order.amount.currency,
            "payee": order.account().model_dump(by_alias=True),
            "reference": order.reference,
        }
        headers = {"idempotency-key": str(order.payment_id)}
        answer = await self._call("POST", "/v1/payments", body=body, headers=headers)
        if answer.status in {_CREATED, _ACCEPTED} or (
            answer.status == _UNPROCESSABLE and answer.body.get("type") == DECLINED
        ):
            return _result("pay", answer)
        raise _unexpected("pay", answer)

    async def find(self, payment_id: UUID) -> BankAnswer | None:
        answer = await self._call("GET", f"/v1/payments/{payment_id}")
        if answer.status == _NOT_FOUND and answer.body.get("type") == UNKNOWN:
            return None
        if answer.status == _OK:
            return _result("find", answer)
        raise _unexpected("find", answer)

    async def statement(self, cursor: str, limit: int) -> StatementPage:
        answer = await self._call("GET", f"/v1/statement?cursor={cursor}&limit={limit}")
        if answer.status != _OK:
            raise _unexpected("statement", answer)
        try:
            bookings = tuple(booking_of(line) for line in answer.body["payments"])
            following = answer.body["nextCursor"]
        except (KeyError, ValueError, TypeError) as error:
            raise BankAnswerUnexpected(f"statement: it is not understood ({type(error).__name__})") from error
        return StatementPage(bookings, None if following is None else str(following))

    async def close(self) -> None:
        await self._client.close()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        try:
            answer = await self._client.call(method, path, body=body, headers=headers)
        except ServerFailed as failed:
            if failed.answer.body.get("type") == BUSY:  # the bank itself says that nothing was booked
                raise busy() from failed
            raise
        if answer.status == _TOO_MANY:
            raise busy()
        return answer


def booking_of(line: Mapping[str, Any]) -> Booking:
    """A line of the statement. Raises KeyError, TypeError or ValueError when it is not one."""
    content = StatementLine(
        UUID(line["paymentId"]),
        line["status"] == "settled",
        Money.parse(line["amount"], line["currency"]),
        line.get("transactionId"),
        line["reference"],
        line["status"] == "returned",
    )
    digest = hashlib.sha256(orjson.dumps(line, option=orjson.OPT_SORT_KEYS)).digest()
    return Booking(
        content, digest, line.get("bookedAt", ""), line.get("payeeLast4", ""), line.get("code", "")
    )


def busy() -> BankBusy:
    return BankBusy("the bank works on as many orders as it can, or on none")


def _result(operation: str, answer: Answer) -> BankAnswer:
    """By the status in the body; a result without its id or code, or without its amount, is no result."""
    body = answer.body
    if body.get("status") == "accepted":
        return Accepted()
    try:
        amount = Money.parse(str(body.get("amount")), str(body.get("currency")))
    except MoneyError:
        raise _unexpected(operation, answer) from None
    match body.get("status"), body.get("transactionId"), body.get("code"):
        case "settled", str(transaction_id), _:
            return Settled(transaction_id, amount)
        case "returned", str(transaction_id), str(code):
            return Returned(transaction_id, code, amount)
        case _, _, str(code) if body.get("type") == DECLINED or body.get("status") == "declined":
            return Declined(code, amount)
    raise _unexpected(operation, answer)


def _unexpected(operation: str, answer: Answer) -> BankAnswerUnexpected:
    kind = str(answer.body.get("type", answer.body.get("status", "")))[:100]
    return BankAnswerUnexpected(f"{operation}: the bank answered {answer.status} {kind}")
