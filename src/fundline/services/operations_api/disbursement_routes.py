"""The HTTP door of payments."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fundline.platform.http.requests import query_parameters
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.http.writes import answered, read_write
from fundline.services.operations_api.disbursement_schemas import DisbursementQuery
from fundline.services.operations_api.disbursements import Disbursements
from fundline.services.operations_api.releases import Releases


def disbursement_routes(
    tokens: TokenVerifier, disbursements: Disbursements, releases: Releases
) -> list[Route]:
    async def page(request: Request) -> Response:
        found = await disbursements.page(tokens.caller(request), query_parameters(request, DisbursementQuery))
        return Response(orjson.dumps(found), media_type="application/json")

    async def one(request: Request) -> Response:
        found = await disbursements.one(tokens.caller(request), request.path_params["application_id"])
        return Response(orjson.dumps(found), media_type="application/json")

    async def release(request: Request) -> Response:
        caller, key, body = await read_write(request, tokens)
        return answered(await releases.release(caller, key, request.path_params["application_id"], body))

    return [
        Route("/v1/disbursements", page, methods=["GET"]),
        Route("/v1/disbursements/{application_id}", one, methods=["GET"]),
        Route("/v1/disbursements/{application_id}/release", release, methods=["POST"]),
    ]
