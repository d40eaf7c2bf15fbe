"""What the operations API offers about corrections of the ledger."""

from fundline.contracts.roles import Role
from fundline.platform.http.endpoints import Bound, Endpoint
from fundline.platform.http.path_values import PathValue
from fundline.services.operations_api.corrections.answers import LedgerCorrection, LedgerCorrectionPage
from fundline.services.operations_api.corrections.deeds import LedgerCorrections
from fundline.services.operations_api.corrections.reading import CorrectionNotFound, Corrections
from fundline.services.operations_api.corrections.schemas import (
    CorrectionDecision,
    CorrectionQuery,
    CorrectionRequest,
)
from fundline.services.operations_api.corrections.transfer import CorrectionConflict
from fundline.services.operations_api.four_eyes import SecondPersonNeeded
from fundline.services.operations_api.people import READERS

_CORRECTION_ID = PathValue("id", "The correction's id.", missing=CorrectionNotFound)
_BECAUSE = {"reason": "The bank's letter says the same."}

LIST = Endpoint(
    "GET",
    "/v1/ledger-corrections",
    name="listLedgerCorrections",
    summary="What was asked for, newest first.",
    tag="operations",
    roles=READERS,
    takes=CorrectionQuery,
    gives=LedgerCorrectionPage,
)
PROPOSE = Endpoint(
    "POST",
    "/v1/ledger-corrections",
    name="proposeLedgerCorrection",
    summary="Say which transfer is wrong, and what should stand there; nothing is booked yet.",
    tag="operations",
    roles=(Role.OPERATOR,),
    takes=CorrectionRequest,
    gives=LedgerCorrection,
    status=201,
    says="Stored.",
    refuses=(SecondPersonNeeded, CorrectionConflict),
    example={
        "transferId": "01a20df7-bb99-7525-9dee-d33162722742",
        "reason": "Called settled; the bank has taken it back.",
        "instead": {
            "debit": "lender_funding",
            "credit": "disbursement_clearing",
            "amount": "13500.00",
            "currency": "USD",
        },
    },
)
READ: Endpoint[None, LedgerCorrection] = Endpoint(
    "GET",
    "/v1/ledger-corrections/{id}",
    name="readLedgerCorrection",
    summary="One.",
    tag="operations",
    roles=READERS,
    path_values=(_CORRECTION_ID,),
    gives=LedgerCorrection,
)
APPROVE = Endpoint(
    "POST",
    "/v1/ledger-corrections/{id}/approve",
    name="approveLedgerCorrection",
    summary="Agree to what somebody else has asked for; it is booked.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_CORRECTION_ID,),
    takes=CorrectionDecision,
    gives=LedgerCorrection,
    says="Stored.",
    refuses=(SecondPersonNeeded, CorrectionConflict),
    example=_BECAUSE,
)
WITHDRAW = Endpoint(
    "POST",
    "/v1/ledger-corrections/{id}/withdraw",
    name="withdrawLedgerCorrection",
    summary="It will not be booked.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_CORRECTION_ID,),
    takes=CorrectionDecision,
    gives=LedgerCorrection,
    says="Stored.",
    refuses=(SecondPersonNeeded, CorrectionConflict),
    example=_BECAUSE,
)
ENDPOINTS = (LIST, PROPOSE, READ, APPROVE, WITHDRAW)


def bound(reading: Corrections, corrections: LedgerCorrections) -> list[Bound]:
    return [
        LIST.by(lambda call: reading.page(call.asked)),
        PROPOSE.by(lambda call: corrections.propose(call.caller, call.asked, call.once)),
        READ.by(lambda call: reading.one(call.path["id"])),
        APPROVE.by(
            lambda call: corrections.approve(call.caller, call.path["id"], call.asked.reason, call.once)
        ),
        WITHDRAW.by(
            lambda call: corrections.withdraw(call.caller, call.path["id"], call.asked.reason, call.once)
        ),
    ]
