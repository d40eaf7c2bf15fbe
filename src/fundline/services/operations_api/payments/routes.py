"""What the operations API offers about payments."""

from fundline.contracts.roles import Role
from fundline.platform.http.endpoints import Bound, Endpoint
from fundline.platform.http.path_values import PathValue
from fundline.services.operations_api.four_eyes import SecondPersonNeeded
from fundline.services.operations_api.payments.another_account import AccountNotAtFault, AccountRequests
from fundline.services.operations_api.payments.answers import Payment, PaymentPage
from fundline.services.operations_api.payments.deeds import Releases
from fundline.services.operations_api.payments.reading import PaymentNotFound, Payments
from fundline.services.operations_api.payments.refusal import ReleaseRefusals
from fundline.services.operations_api.payments.schemas import (
    AccountAskedRequest,
    PaymentQuery,
    RefusalRequest,
    ReleaseRequest,
)
from fundline.services.operations_api.payments.waiting import NotWaitingForRelease
from fundline.services.operations_api.people import READERS

_APPLICATION_ID = PathValue(
    "id", "The application's id or its tracking id.", missing=PaymentNotFound, has_names=True
)
_READERS = (*READERS, Role.UNDERWRITER)

LIST = Endpoint(
    "GET",
    "/v1/disbursements",
    name="listPayments",
    summary="Payments, that of the newest application first.",
    tag="operations",
    roles=_READERS,
    takes=PaymentQuery,
    gives=PaymentPage,
)
READ: Endpoint[None, Payment] = Endpoint(
    "GET",
    "/v1/disbursements/{id}",
    name="readPayment",
    summary="The payment of one application.",
    tag="operations",
    roles=_READERS,
    path_values=(_APPLICATION_ID,),
    gives=Payment,
)
RELEASE = Endpoint(
    "POST",
    "/v1/disbursements/{id}/release",
    name="releasePayment",
    summary="Release a payment above its currency's limit; neither its approver nor its applicant may.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_APPLICATION_ID,),
    takes=ReleaseRequest,
    gives=Payment,
    says="Stored.",
    refuses=(SecondPersonNeeded, NotWaitingForRelease),
    example={"reason": "Collateral and papers seen."},
)
REFUSE = Endpoint(
    "POST",
    "/v1/disbursements/{id}/refuse",
    name="refusePayment",
    summary="Refuse the release of a payment: it fails, nothing is sent, and the applicant is told the reason.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_APPLICATION_ID,),
    takes=RefusalRequest,
    gives=Payment,
    says="Stored.",
    refuses=(SecondPersonNeeded, NotWaitingForRelease),
    example={"reason": "The business was dissolved last month."},
)
ASK_FOR_ACCOUNT = Endpoint(
    "POST",
    "/v1/disbursements/{id}/ask-for-account",
    name="askForAccount",
    summary="Ask the applicant for another account after a payment that failed because its account is closed or wrong.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_APPLICATION_ID,),
    takes=AccountAskedRequest,
    gives=Payment,
    says="Stored.",
    refuses=(SecondPersonNeeded, AccountNotAtFault),
    example={"reason": "Your bank says that this account is closed."},
)
ENDPOINTS = (LIST, READ, RELEASE, REFUSE, ASK_FOR_ACCOUNT)


def bound(
    payments: Payments, releases: Releases, refusals: ReleaseRefusals, accounts: AccountRequests
) -> list[Bound]:
    return [
        LIST.by(lambda call: payments.page(call.asked)),
        READ.by(lambda call: payments.one(call.path["id"])),
        RELEASE.by(lambda call: releases.release(call.caller, call.path["id"], call.asked.reason, call.once)),
        REFUSE.by(lambda call: refusals.refuse(call.caller, call.path["id"], call.asked.reason, call.once)),
        ASK_FOR_ACCOUNT.by(
            lambda call: accounts.ask(call.caller, call.path["id"], call.asked.reason, call.once)
        ),
    ]
