"""The HTTP door of dead letters."""

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
from fundline.services.operations_api.dead_letter_bulk import BulkReplay
from fundline.services.operations_api.dead_letter_replay import DeadLetterReplay
from fundline.services.operations_api.dead_letter_schemas import DeadLetterQuery
from fundline.services.operations_api.dead_letters import DeadLetters

_PATH = "/v1/dead-letters"
Write = Callable[[Caller, WriteKey, str, bytes], Awaitable[StoredAnswer]]


def dead_letter_routes(
    tokens: TokenVerifier, letters: DeadLetters, replay: DeadLetterReplay, bulk: BulkReplay
) -> list[Route]:
    async def page(request: Request) -> Response:
        found = await letters.page(tokens.caller(request), query_parameters(request, DeadLetterQuery))
        return Response(orjson.dumps(found), media_type="application/json")

    async def one(request: Request) -> Response:
        found = await letters.one(tokens.caller(request), request.path_params["letter_id"])
        return Response(orjson.dumps(found), media_type="application/json")

    async def many(request: Request) -> Response:
        caller, key, body = await read_write(request, tokens)
        return answered(await bulk.replay(caller, key, body))

    def on_one(verb: str, write: Write) -> Route:
        async def act(request: Request) -> Response:
            caller, key, body = await read_write(request, tokens)
            return answered(await write(caller, key, request.path_params["letter_id"], body))

        return Route(f"{_PATH}/{{letter_id}}/{verb}", act, methods=["POST"])

    return [
        Route(_PATH, page, methods=["GET"]),
        Route(f"{_PATH}/bulk-replay", many, methods=["POST"]),
        Route(f"{_PATH}/{{letter_id}}", one, methods=["GET"]),
        on_one("replay", replay.replay),
        on_one("approve", replay.approve),
        on_one("withdraw", replay.withdraw),
        on_one("discard", replay.discard),
    ]
