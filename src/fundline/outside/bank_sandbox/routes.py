"""The bank's HTTP door: reads, asks the bank, writes."""

from typing import Any
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fundline.outside.bank_sandbox.bank import Bank, PaymentResult, PaymentUnknown
from fundline.outside.bank_sandbox.decline_rules import SENTENCES
from fundline.outside.bank_sandbox.misbehaviour import Doors
from fundline.outside.bank_sandbox.schemas import (
    PaymentOrder,
    StatementQuery,
    order_amount,
    payment_answer,
    statement_line,
)
from fundline.platform.http.problems import MEDIA_TYPE
from fundline.platform.http.requests import (
    idempotency_key,
    parse_body,
    query_parameters,
    read_body,
)
from fundline.platform.refusals import Kind, Refusal


class PaymentIdMalformed(Refusal):
    kind = Kind.MALFORMED
    code = "payment-id-malformed"
    title = "The Idempotency-Key is the payment's id, a UUID"


def bank_routes(bank: Bank, doors: Doors) -> list[Route]:
    async def pay(request: Request) -> Response:
        payment_id = _uuid(idempotency_key(request))
        if payment_id is None:
            raise PaymentIdMalformed("Send the payment's id, a UUID, as Idempotency-Key.")
        order = parse_body(PaymentOrder, await read_body(request))
        return _answer_to_order(await bank.pay(payment_id, order_amount(order), order))

    async def payment(request: Request) -> Response:
        payment_id = _uuid(request.path_params["payment_id"])
        if payment_id is None:
            raise PaymentUnknown("No payment has an id like this.")
        return _json(payment_answer(await bank.payment(payment_id)))

    async def statement(request: Request) -> Response:
        query = query_parameters(request, StatementQuery)
        found = await bank.statement(query.cursor, query.limit)
        is_last = len(found) < query.limit
        return _json(
            {
                "payments": [statement_line(payment) for payment in found],
                "nextCursor": None if is_last else str(found[-1].position),
            }
        )

    return [
        Route("/v1/payments", doors.misbehaving(pay), methods=["POST"]),
        Route("/v1/payments/{payment_id}", doors.misbehaving(payment), methods=["GET"]),
        Route("/v1/statement", doors.misbehaving(statement), methods=["GET"]),
    ]


def _answer_to_order(result: PaymentResult) -> Response:
    """201 when settled, 202 when accepted; 422 with `type` payment-declined and the bank's `code` when declined.

    A repeat gets what the payment has become.
    """
    headers = {"idempotent-replayed": "true"} if result.is_replay else {}
    answer = payment_answer(result.payment)
    if result.payment.status in {"settled", "returned"}:
        return _json(answer, 201, headers)
    if result.payment.status == "accepted":
        return _json(answer, 202, headers)
    declined = {
        "type": "urn:fundline:problem:payment-declined",
        "title": "The bank declines the payment",
        "detail": SENTENCES.get(answer["code"], "The bank declines it."),
        **answer,
        "status": 422,
    }
    return Response(orjson.dumps(declined), 422, media_type=MEDIA_TYPE, headers=headers)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _json(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json", headers=headers)
