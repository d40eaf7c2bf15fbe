"""What the operations API offers about cases."""

from fundline.contracts.roles import Role
from fundline.platform.http.endpoints import Bound, Endpoint
from fundline.platform.http.path_values import PathValue
from fundline.services.operations_api.cases.answers import Case, CasePage
from fundline.services.operations_api.cases.deeds import CaseResolution, CaseResolved
from fundline.services.operations_api.cases.reading import CaseNotFound, Cases
from fundline.services.operations_api.cases.schemas import CaseQuery, ResolutionRequest
from fundline.services.operations_api.four_eyes import SecondPersonNeeded
from fundline.services.operations_api.people import READERS

_CASE_ID = PathValue("id", "The case's id.", missing=CaseNotFound)

LIST = Endpoint(
    "GET",
    "/v1/cases",
    name="listCases",
    summary="What waits for a person, newest first.",
    tag="operations",
    roles=READERS,
    takes=CaseQuery,
    gives=CasePage,
)
READ: Endpoint[None, Case] = Endpoint(
    "GET",
    "/v1/cases/{id}",
    name="readCase",
    summary="One case.",
    tag="operations",
    roles=READERS,
    path_values=(_CASE_ID,),
    gives=Case,
)
RESOLVE = Endpoint(
    "POST",
    "/v1/cases/{id}/resolve",
    name="resolveCase",
    summary="Say how a case was settled; about money, a second person agrees.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_CASE_ID,),
    takes=ResolutionRequest,
    gives=Case,
    says="Stored.",
    refuses=(SecondPersonNeeded, CaseResolved),
    example={"resolution": "The bank confirmed by telephone that nothing was paid."},
)
ENDPOINTS = (LIST, READ, RESOLVE)


def bound(cases: Cases, resolution: CaseResolution) -> list[Bound]:
    return [
        LIST.by(lambda call: cases.page(call.asked)),
        READ.by(lambda call: cases.one(call.path["id"])),
        RESOLVE.by(
            lambda call: resolution.resolve(call.caller, call.path["id"], call.asked.resolution, call.once)
        ),
    ]
