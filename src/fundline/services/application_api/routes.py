"""The API's HTTP door: bytes in, bytes out."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fundline.platform.database import Database
from fundline.platform.http.requests import query_parameters
from fundline.platform.http.tokens import TokenVerifier
from fundline.platform.http.writes import answered, read_write
from fundline.platform.refusals import Kind, Refusal
from fundline.services.application_api.reading import read_one, read_page
from fundline.services.application_api.reassessment import Reassessment
from fundline.services.application_api.reference import ReferenceData
from fundline.services.application_api.review import Review
from fundline.services.application_api.schemas import ListQuery
from fundline.services.application_api.submission import Submission

_JSON = "application/json"


class UnknownReferenceData(Refusal):
    kind = Kind.NOT_FOUND
    code = "reference-data-not-found"
    title = "There is no such reference data"


class Routes:
    def __init__(
        self,
        *,
        tokens: TokenVerifier,
        submission: Submission,
        review: Review,
        reassessment: Reassessment,
        reference: ReferenceData,
        database: Database,
    ) -> None:
        self._tokens, self._submission, self._review = tokens, submission, review
        self._reassessment, self._reference, self._database = reassessment, reference, database

    def all(self) -> list[Route]:
        return [
            Route("/v1/applications", self.submit, methods=["POST"]),
            Route("/v1/applications", self.page, methods=["GET"]),
            Route("/v1/applications/{application_id}", self.one, methods=["GET"]),
            Route("/v1/applications/{application_id}/decision", self.decide, methods=["POST"]),
            Route("/v1/applications/{application_id}/assessments", self.reassess, methods=["POST"]),
            Route("/v1/reference-data/{kind}", self.reference_data, methods=["GET"]),
        ]

    async def submit(self, request: Request) -> Response:
        caller, key, body = await read_write(request, self._tokens)
        answer = await self._submission.submit(caller, key, body)
        location = f"/v1/applications/{orjson.loads(answer.body)['id']}"
        return answered(answer, {"location": location})

    async def decide(self, request: Request) -> Response:
        caller, key, body = await read_write(request, self._tokens)
        return answered(await self._review.decide(caller, key, request.path_params["application_id"], body))

    async def reassess(self, request: Request) -> Response:
        caller, key, body = await read_write(request, self._tokens)
        return answered(
            await self._reassessment.request(caller, key, request.path_params["application_id"], body)
        )

    async def one(self, request: Request) -> Response:
        caller = self._tokens.caller(request)
        view = await read_one(self._database, caller, request.path_params["application_id"])
        return Response(orjson.dumps(view), media_type=_JSON)

    async def page(self, request: Request) -> Response:
        caller = self._tokens.caller(request)
        page = await read_page(self._database, caller, query_parameters(request, ListQuery))
        return Response(orjson.dumps(page), media_type=_JSON)

    async def reference_data(self, request: Request) -> Response:
        self._tokens.caller(request)
        listing = self._reference.listing(request.path_params["kind"])
        if listing is None:
            raise UnknownReferenceData("Reference data are sectors, states and currencies.")
        return Response(orjson.dumps({"items": listing}), media_type=_JSON)
