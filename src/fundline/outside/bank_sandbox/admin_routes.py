"""The bank's admin door: fault rules, and how much is still to do. Answers callers on this machine only."""

import ipaddress
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fundline.outside.bank_sandbox.bank import Bank
from fundline.outside.bank_sandbox.faults import FaultBook, FaultRule, FaultUnknown, StandingFault
from fundline.outside.bank_sandbox.misbehaviour import Handler
from fundline.platform.http.requests import parse_body, read_body
from fundline.platform.refusals import Kind, Refusal

_DIGITS = 9
"""No fault has a longer number."""


class AdminFromElsewhere(Refusal):
    kind = Kind.FORBIDDEN
    code = "admin-from-elsewhere"
    title = "The admin API answers this machine only"


def admin_routes(bank: Bank, faults: FaultBook) -> list[Route]:
    async def add(request: Request) -> Response:
        return _json(fault_answer(faults.add(parse_body(FaultRule, await read_body(request)))), 201)

    async def listed(_: Request) -> Response:
        return _json({"faults": [fault_answer(fault) for fault in faults.all()]})

    async def clear(_: Request) -> Response:
        return _json({"cleared": faults.clear()})

    async def remove(request: Request) -> Response:
        number = request.path_params["number"]
        if not (number.isascii() and number.isdecimal() and len(number) <= _DIGITS):
            raise FaultUnknown("A fault has a whole number; list the faults.")
        faults.remove(int(number))
        return _json({"cleared": 1})

    async def counts(_: Request) -> Response:
        return _json(await bank.counts())

    return [
        Route("/admin/faults", _local(add), methods=["POST"]),
        Route("/admin/faults", _local(listed), methods=["GET"]),
        Route("/admin/faults", _local(clear), methods=["DELETE"]),
        Route("/admin/faults/{number}", _local(remove), methods=["DELETE"]),
        Route("/admin/counts", _local(counts), methods=["GET"]),
    ]


def fault_answer(fault: StandingFault) -> dict[str, Any]:
    """The rule with its number and how often it struck."""
    rule = fault.rule.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {"id": fault.number, **rule, "hits": fault.hits}


def _local(handler: Handler) -> Handler:
    async def handle(request: Request) -> Response:
        """By the peer's address and the name it asked for: a page in a browser here must not reach it by a trick."""
        client = request.client
        if (
            client is None
            or not ipaddress.ip_address(client.host).is_loopback
            or request.url.hostname not in {"localhost", "127.0.0.1", "::1"}
        ):
            raise AdminFromElsewhere("Call it from the machine that the bank runs on, by a loopback address.")
        return await handler(request)

    return handle


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
