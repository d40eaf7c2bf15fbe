"""The operations API's HTTP door: each part brings its own routes."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fundline.platform.http.requests import query_parameters
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.http.writes import answered, read_write
from fundline.services.operations_api.audit import AuditQuery, AuditTrail
from fundline.services.operations_api.case_resolution import CaseResolution
from fundline.services.operations_api.cases import Cases
from fundline.services.operations_api.schemas import CaseQuery


def case_routes(tokens: TokenVerifier, cases: Cases, resolution: CaseResolution) -> list[Route]:
    async def page(request: Request) -> Response:
        found = await cases.page(tokens.caller(request), query_parameters(request, CaseQuery))
        return Response(orjson.dumps(found), media_type="application/json")

    async def one(request: Request) -> Response:
        found = await cases.one(tokens.caller(request), request.path_params["case_id"])
        return Response(orjson.dumps(found), media_type="application/json")

    async def resolve(request: Request) -> Response:
        caller, key, body = await read_write(request, tokens)
        return answered(await resolution.resolve(caller, key, request.path_params["case_id"], body))

    return [
        Route("/v1/cases", page, methods=["GET"]),
        Route("/v1/cases/{case_id}", one, methods=["GET"]),
        Route("/v1/cases/{case_id}/resolve", resolve, methods=["POST"]),
    ]


def audit_routes(tokens: TokenVerifier, trail: AuditTrail) -> list[Route]:
    async def page(request: Request) -> Response:
        caller = tokens.caller(request)
        application = request.path_params["application"]
        found = await trail.page(caller, application, query_parameters(request, AuditQuery))
        return Response(orjson.dumps(found), media_type="application/json")

    return [Route("/v1/audit/{application}", page, methods=["GET"])]
