"""The bank's ISO 20022 door over HTTP: POST a pain.001, GET what became of it, GET the statement."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fundline.outside.bank_sandbox.bank import Bank, PaymentUnknown
from fundline.outside.bank_sandbox.iso_messages import (
    account_statement,
    last_word,
    read_credit_transfer,
    status_report,
)
from fundline.outside.bank_sandbox.misbehaviour import Doors
from fundline.outside.bank_sandbox.schemas import StatementQuery, order_amount
from fundline.platform.clock import Clock
from fundline.platform.http.requests import query_parameters, read_bytes
from fundline.platform.iso20022 import MEDIA_TYPE


def iso_routes(bank: Bank, doors: Doors, now: Clock) -> list[Route]:
    async def transfer(request: Request) -> Response:
        payment_id, order = read_credit_transfer(await read_bytes(request))
        result = await bank.pay(payment_id, order_amount(order), order)
        return Response(status_report(result.payment, now()), media_type=MEDIA_TYPE)

    async def report(request: Request) -> Response:
        try:
            payment_id = UUID(request.path_params["payment_id"])
        except ValueError:
            raise PaymentUnknown("No payment has an id like this.") from None
        return Response(last_word(await bank.payment(payment_id), now()), media_type=MEDIA_TYPE)

    async def statement(request: Request) -> Response:
        query = query_parameters(request, StatementQuery)
        found = await bank.statement(query.cursor, query.limit, booked_only=True)
        place = found[-1].position if found else query.cursor
        xml = account_statement(
            found, await bank.balances(place), now(), page=query.cursor, is_last=len(found) < query.limit
        )
        return Response(xml, media_type=MEDIA_TYPE)

    return [
        Route("/iso20022/statement", doors.misbehaving(statement), methods=["GET"]),
        Route("/iso20022/credit-transfers", doors.misbehaving(transfer), methods=["POST"]),
        Route("/iso20022/credit-transfers/{payment_id}", doors.misbehaving(report), methods=["GET"]),
    ]
