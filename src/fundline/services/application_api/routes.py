"""The API's HTTP door: what is offered, and which use case does it."""

from typing import Any

from fundline.contracts.example import EXAMPLE_APPLICATION
from fundline.contracts.roles import Role
from fundline.platform.http.endpoints import Bound, Endpoint
from fundline.platform.http.path_values import PathValue
from fundline.platform.identity import Forbidden
from fundline.platform.paging import Page
from fundline.services.application_api.another_account import AnotherAccount, NoAccountNeeded
from fundline.services.application_api.answers import (
    Accepted,
    Application,
    Decided,
    Paying,
    Reassessing,
    ReferenceData,
)
from fundline.services.application_api.quota import QuotaExceeded
from fundline.services.application_api.reading import ApplicationNotFound, Reading
from fundline.services.application_api.reassessment import Reassessment
from fundline.services.application_api.reference import ReferenceData as Reference
from fundline.services.application_api.reference import UnknownReferenceData
from fundline.services.application_api.referral import NotUnderReview
from fundline.services.application_api.review import Review
from fundline.services.application_api.schemas import (
    AccountRequest,
    ApplicationRequest,
    DecisionRequest,
    ListQuery,
    ReassessmentRequest,
)
from fundline.services.application_api.submission import Submission

_TAG = "applications"
_ID = PathValue("id", "The application's id or its tracking id.", missing=ApplicationNotFound, has_names=True)
SUBMIT = Endpoint(
    "POST",
    "/v1/applications",
    name="submitApplication",
    summary="Submit an application.",
    tag=_TAG,
    roles=(Role.APPLICANT, Role.PARTNER),
    takes=ApplicationRequest,
    gives=Accepted,
    status=202,
    says="Stored.",
    refuses=(QuotaExceeded,),
    example=EXAMPLE_APPLICATION,
    location="/v1/applications/{id}",
)
LIST = Endpoint(
    "GET",
    "/v1/applications",
    name="listApplications",
    summary="The caller's applications, newest first; underwriters, operators and compliance see everybody's.",
    tag=_TAG,
    takes=ListQuery,
    gives=Page[Application],
    says="One page.",
)
READ = Endpoint(
    "GET",
    "/v1/applications/{id}",
    name="readApplication",
    summary="One application; somebody else's is not found.",
    tag=_TAG,
    path_values=(_ID,),
    gives=Application,
    says="The application.",
)
DECIDE = Endpoint(
    "POST",
    "/v1/applications/{id}/decision",
    name="decideApplication",
    summary="Decide an application in `pending_review`, never one's own.",
    tag=_TAG,
    roles=(Role.UNDERWRITER,),
    path_values=(_ID,),
    takes=DecisionRequest,
    gives=Decided,
    says="Stored.",
    refuses=(Forbidden, NotUnderReview),
    example={"decision": "approve", "reason": "Two years of orders on file."},
)
REASSESS = Endpoint(
    "POST",
    "/v1/applications/{id}/assessments",
    name="reassessApplication",
    summary="Score an application in `pending_review` again; the earlier assessment stays on record.",
    tag=_TAG,
    roles=(Role.UNDERWRITER,),
    path_values=(_ID,),
    takes=ReassessmentRequest,
    gives=Reassessing,
    status=202,
    says="It will be scored.",
    refuses=(Forbidden, NotUnderReview),
    example={"reason": "The model was away when this was first scored."},
)
NAME_ACCOUNT = Endpoint(
    "POST",
    "/v1/applications/{id}/payout-account",
    name="nameAccount",
    summary="Name another account for one's own application in `account_needed`; it is paid to that one.",
    tag=_TAG,
    roles=(Role.APPLICANT, Role.PARTNER),
    path_values=(_ID,),
    takes=AccountRequest,
    gives=Paying,
    says="Stored.",
    refuses=(NoAccountNeeded,),
    example={"payoutAccount": EXAMPLE_APPLICATION["payoutAccount"]},
)
REFERENCE_DATA = Endpoint(
    "GET",
    "/v1/reference-data/{kind}",
    name="readReferenceData",
    summary="What requests are checked against.",
    tag=_TAG,
    path_values=(
        PathValue(
            "kind",
            "",
            schema={"type": "string", "enum": ["sectors", "states", "countries", "regions", "currencies"]},
        ),
    ),
    gives=ReferenceData,
    says="The rows.",
    refuses=(UnknownReferenceData,),
)
ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (
    SUBMIT, LIST, READ, DECIDE, REASSESS, NAME_ACCOUNT, REFERENCE_DATA,
)  # fmt: skip


def bound(
    submission: Submission,
    reading: Reading,
    review: Review,
    reassessment: Reassessment,
    another_account: AnotherAccount,
    reference: Reference,
) -> list[Bound]:
    """All endpoints, each with what does it."""
    return [
        SUBMIT.by(lambda call: submission.submit(call.caller, call.asked, call.once)),
        LIST.by(lambda call: reading.page(call.caller, call.asked)),
        READ.by(lambda call: reading.one(call.caller, call.path["id"])),
        DECIDE.by(lambda call: review.decide(call.caller, call.path["id"], call.asked, call.once)),
        REASSESS.by(lambda call: reassessment.request(call.caller, call.path["id"], call.asked, call.once)),
        NAME_ACCOUNT.by(
            lambda call: another_account.name(call.caller, call.path["id"], call.asked, call.once)
        ),
        REFERENCE_DATA.by(lambda call: reference.listing(call.path["kind"])),
    ]
