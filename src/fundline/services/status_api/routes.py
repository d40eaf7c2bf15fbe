"""The doors of the status service. The hot one takes bytes from the cache and gives bytes out."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from fundline.platform.http.endpoints import WEBSOCKET, BoundApp, Endpoint
from fundline.platform.http.path_values import PathValue
from fundline.platform.http.requests import query_parameters
from fundline.platform.http.tokens import TokenVerifier
from fundline.records.references import MistypedTrackingId
from fundline.services.status_api.answers import ApplicationStatus
from fundline.services.status_api.live import LiveStatus
from fundline.services.status_api.reading import StatusNotFound, StatusReading
from fundline.services.status_api.schemas import NoQuery, StreamQuery
from fundline.services.status_api.settings import Settings
from fundline.services.status_api.sse import EventsDoor
from fundline.services.status_api.websocket import WebSocketDoor

_TAG = "status"
_HEADERS = {"content-type": "application/json", "cache-control": "no-store"}
_REFERENCE = PathValue("id", "The application's id or its tracking id.")
_LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "The id (sequence) of the last event received; the stream goes on after it.",
    "schema": {"type": "string", "pattern": "^[0-9]{1,9}$"},
}
STATUS = Endpoint(
    "GET",
    "/v1/status/{id}",
    name="readStatus",
    summary="Where an application stands.",
    tag=_TAG,
    path_values=(_REFERENCE,),
    takes=NoQuery,
    gives=ApplicationStatus,
    says="The status.",
    refuses=(StatusNotFound, MistypedTrackingId),
)
EVENTS: Endpoint[StreamQuery, None] = Endpoint(
    "GET",
    "/v1/status/{id}/events",
    name="followByEvents",
    summary="Every change, past and coming, as server-sent events. Ends after a final status.",
    tag=_TAG,
    path_values=(_REFERENCE,),
    takes=StreamQuery,
    refuses=(StatusNotFound, MistypedTrackingId),
    documented={
        "parameters": [_LAST_EVENT_ID],
        "responses": {
            "200": {
                "description": "`id` is the sequence, `event` is `status`, `data` an ApplicationStatus.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            "204": {"description": "Nothing more will come after Last-Event-ID."},
        },
    },
)
WEBSOCKET_EVENTS: Endpoint[StreamQuery, None] = Endpoint(
    WEBSOCKET,
    "/v1/status/{id}/ws",
    name="followByWebSocket",
    summary="The same objects over a WebSocket, one per text message. Closes with 1000 after a final status, "
    "1012 when the instance stops, 1013 when the client should come back later.",
    tag=_TAG,
    path_values=(_REFERENCE,),
    takes=StreamQuery,
    status=101,
    refuses=(StatusNotFound, MistypedTrackingId),
    documented={"responses": {"101": {"description": "Switching protocols."}}},
)
ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (STATUS, EVENTS, WEBSOCKET_EVENTS)


def bound(
    reading: StatusReading, live: LiveStatus, tokens: TokenVerifier, settings: Settings
) -> list[BoundApp]:
    """All endpoints, each with what answers it by itself."""

    async def status(request: Request) -> Response:
        caller = tokens.caller(request)
        if request.scope["query_string"]:
            query_parameters(request, NoQuery)
        return Response(await reading.status(request.path_params["id"], caller), headers=_HEADERS)

    return [
        STATUS.by_app(status),
        EVENTS.by_app(EventsDoor(live, tokens, settings)),
        WEBSOCKET_EVENTS.by_app(WebSocketDoor(live, tokens, settings)),
    ]
