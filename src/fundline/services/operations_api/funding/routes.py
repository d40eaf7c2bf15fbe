"""What the operations API offers about funding."""

from fundline.contracts.roles import Role
from fundline.platform.http.endpoints import Bound, Endpoint
from fundline.platform.http.path_values import PathValue
from fundline.services.operations_api.four_eyes import SecondPersonNeeded
from fundline.services.operations_api.funding.answers import (
    FundingCommitment,
    FundingCommitmentPage,
    FundingSources,
)
from fundline.services.operations_api.funding.deeds import CommitmentConflict, CommitmentNotFound, Funding
from fundline.services.operations_api.funding.schemas import (
    CommitmentDecision,
    CommitmentQuery,
    CommitmentRequest,
)
from fundline.services.operations_api.people import READERS

_ID = PathValue("id", "The commitment's id.", missing=CommitmentNotFound)

_BECAUSE = {"reason": "The lender's letter says the same."}

SOURCES: Endpoint[None, FundingSources] = Endpoint(
    "GET",
    "/v1/funding-commitments/sources",
    name="readFundingSources",
    summary="What each lender has committed, how much of it is drawn, and what is left.",
    tag="operations",
    roles=READERS,
    gives=FundingSources,
)
LIST = Endpoint(
    "GET",
    "/v1/funding-commitments",
    name="listFundingCommitments",
    summary="Changes of what is committed, newest first.",
    tag="operations",
    roles=READERS,
    takes=CommitmentQuery,
    gives=FundingCommitmentPage,
)
PROPOSE = Endpoint(
    "POST",
    "/v1/funding-commitments",
    name="proposeFundingCommitment",
    summary="Say that a lender has committed more, or less; nothing counts yet.",
    tag="operations",
    roles=(Role.OPERATOR,),
    takes=CommitmentRequest,
    gives=FundingCommitment,
    status=201,
    says="Stored.",
    example={
        "account": "lender_funding",
        "currency": "USD",
        "change": "raise",
        "amount": "5000000.00",
        "reason": "Letter of the lender of 27 November.",
    },
)
AGREE = Endpoint(
    "POST",
    "/v1/funding-commitments/{id}/approve",
    name="approveFundingCommitment",
    summary="Agree to what somebody else has asked for; it counts, and payments that waited go on.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_ID,),
    takes=CommitmentDecision,
    gives=FundingCommitment,
    says="Stored.",
    refuses=(SecondPersonNeeded, CommitmentConflict),
    example=_BECAUSE,
)
WITHDRAW = Endpoint(
    "POST",
    "/v1/funding-commitments/{id}/withdraw",
    name="withdrawFundingCommitment",
    summary="It will not count.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_ID,),
    takes=CommitmentDecision,
    gives=FundingCommitment,
    says="Stored.",
    refuses=(CommitmentConflict,),
    example=_BECAUSE,
)
ENDPOINTS = (SOURCES, LIST, PROPOSE, AGREE, WITHDRAW)


def bound(funding: Funding) -> list[Bound]:
    return [
        SOURCES.by(lambda _: funding.sources()),
        LIST.by(lambda call: funding.page(call.asked)),
        PROPOSE.by(lambda call: funding.propose(call.caller, call.asked, call.once)),
        AGREE.by(lambda call: funding.agree(call.caller, call.path["id"], call.asked.reason, call.once)),
        WITHDRAW.by(
            lambda call: funding.withdraw(call.caller, call.path["id"], call.asked.reason, call.once)
        ),
    ]
