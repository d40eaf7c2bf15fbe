"""The notification service's HTTP door."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fundline.platform.http.requests import query_parameters
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.http.writes import answered, read_bodiless_write, read_write
from fundline.services.notification_service.delivery_desk import DeliveryDesk
from fundline.services.notification_service.endpoints import Endpoints
from fundline.services.notification_service.preferences import PreferenceDesk
from fundline.services.notification_service.schemas import DeliveryQuery, EndpointQuery

_ONE = "/v1/webhook-endpoints/{endpoint_id}"


class Routes:
    def __init__(
        self,
        tokens: TokenVerifier,
        endpoints: Endpoints,
        deliveries: DeliveryDesk,
        preferences: PreferenceDesk,
    ) -> None:
        self._tokens, self._endpoints = tokens, endpoints
        self._deliveries, self._preferences = deliveries, preferences

    def all(self) -> list[Route]:
        return [
            Route("/v1/webhook-endpoints", self.create, methods=["POST"]),
            Route("/v1/webhook-endpoints", self.page, methods=["GET"]),
            Route(_ONE, self.one, methods=["GET"]),
            Route(_ONE, self.change, methods=["PATCH"]),
            Route(_ONE, self.delete, methods=["DELETE"]),
            Route(f"{_ONE}/secret/rotate", self.rotate, methods=["POST"]),
            Route(f"{_ONE}/test", self.test, methods=["POST"]),
            Route(f"{_ONE}/deliveries", self.deliveries, methods=["GET"]),
            Route(f"{_ONE}/deliveries/{{delivery_id}}/redeliver", self.redeliver, methods=["POST"]),
            Route("/v1/notification-preferences", self.read_preferences, methods=["GET"]),
            Route("/v1/notification-preferences", self.put_preferences, methods=["PUT"]),
        ]

    async def create(self, request: Request) -> Response:
        caller, key, body = await read_write(request, self._tokens)
        answer = await self._endpoints.create(caller, key, body)
        location = f"/v1/webhook-endpoints/{orjson.loads(answer.body)['id']}"
        return answered(answer, {"location": location, "cache-control": "no-store"})

    async def page(self, request: Request) -> Response:
        caller = self._tokens.caller(request)
        return _json(await self._endpoints.page(caller, query_parameters(request, EndpointQuery)))

    async def one(self, request: Request) -> Response:
        caller = self._tokens.caller(request)
        return _json(await self._endpoints.one(caller, _endpoint(request)))

    async def change(self, request: Request) -> Response:
        caller, key, body = await read_write(request, self._tokens)
        return answered(await self._endpoints.change(caller, key, _endpoint(request), body))

    async def delete(self, request: Request) -> Response:
        caller, key = await read_bodiless_write(request, self._tokens)
        return answered(await self._endpoints.delete(caller, key, _endpoint(request)))

    async def rotate(self, request: Request) -> Response:
        caller, key = await read_bodiless_write(request, self._tokens)
        answer = await self._endpoints.rotate(caller, key, _endpoint(request))
        return answered(answer, {"cache-control": "no-store"})

    async def test(self, request: Request) -> Response:
        caller, key = await read_bodiless_write(request, self._tokens)
        return answered(await self._deliveries.test(caller, key, _endpoint(request)))

    async def deliveries(self, request: Request) -> Response:
        caller = self._tokens.caller(request)
        query = query_parameters(request, DeliveryQuery)
        return _json(await self._deliveries.page(caller, _endpoint(request), query))

    async def redeliver(self, request: Request) -> Response:
        caller, key = await read_bodiless_write(request, self._tokens)
        delivery = request.path_params["delivery_id"]
        return answered(await self._deliveries.redeliver(caller, key, _endpoint(request), delivery))

    async def read_preferences(self, request: Request) -> Response:
        return _json(await self._preferences.read(self._tokens.caller(request)))

    async def put_preferences(self, request: Request) -> Response:
        caller, key, body = await read_write(request, self._tokens)
        return answered(await self._preferences.put(caller, key, body))


def _endpoint(request: Request) -> str:
    text: str = request.path_params["endpoint_id"]
    return text


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
