"""The doors of the status service. The hot one takes bytes from the cache and gives bytes out."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from fundline.platform.http.requests import query_parameters
from fundline.platform.http.tokens import TokenVerifier
from fundline.services.status_api.live import LiveStatus
from fundline.services.status_api.reading import StatusReading
from fundline.services.status_api.schemas import NoQuery
from fundline.services.status_api.settings import Settings
from fundline.services.status_api.sse import EventsDoor
from fundline.services.status_api.websocket import WebSocketDoor

_HEADERS = {"content-type": "application/json", "cache-control": "no-store"}


def status_routes(
    reading: StatusReading, live: LiveStatus, tokens: TokenVerifier, settings: Settings
) -> list[BaseRoute]:
    async def status(request: Request) -> Response:
        caller = tokens.caller(request)
        if request.scope["query_string"]:
            query_parameters(request, NoQuery)
        return Response(await reading.status(request.path_params["reference"], caller), headers=_HEADERS)

    return [
        Route("/v1/status/{reference}", status),
        Route("/v1/status/{reference}/events", EventsDoor(live, tokens, settings), methods=["GET"]),
        WebSocketRoute("/v1/status/{reference}/ws", WebSocketDoor(live, tokens, settings)),
    ]
