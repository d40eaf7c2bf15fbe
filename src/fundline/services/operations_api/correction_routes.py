"""The HTTP door of ledger corrections."""

from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fundline.platform.database.idempotency import StoredAnswer, WriteKey
from fundline.platform.http.requests import query_parameters
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.http.writes import answered, read_write
from fundline.platform.identity import Caller
from fundline.services.operations_api.correction_schemas import CorrectionQuery
from fundline.services.operations_api.corrections import LedgerCorrections

_PATH = "/v1/ledger-corrections"
Decide = Callable[[Caller, WriteKey, str, bytes], Awaitable[StoredAnswer]]


def correction_routes(tokens: TokenVerifier, corrections: LedgerCorrections) -> list[Route]:
    async def page(request: Request) -> Response:
        found = await corrections.page(tokens.caller(request), query_parameters(request, CorrectionQuery))
        return Response(orjson.dumps(found), media_type="application/json")

    async def one(request: Request) -> Response:
        found = await corrections.one(tokens.caller(request), request.path_params["correction_id"])
        return Response(orjson.dumps(found), media_type="application/json")

    async def propose(request: Request) -> Response:
        caller, key, body = await read_write(request, tokens)
        return answered(await corrections.propose(caller, key, body))

    def decide(verb: str, write: Decide) -> Route:
        async def act(request: Request) -> Response:
            caller, key, body = await read_write(request, tokens)
            return answered(await write(caller, key, request.path_params["correction_id"], body))

        return Route(f"{_PATH}/{{correction_id}}/{verb}", act, methods=["POST"])

    return [
        Route(_PATH, page, methods=["GET"]),
        Route(_PATH, propose, methods=["POST"]),
        Route(f"{_PATH}/{{correction_id}}", one, methods=["GET"]),
        decide("approve", corrections.approve),
        decide("withdraw", corrections.withdraw),
    ]
