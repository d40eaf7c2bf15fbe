"""What the operations API offers about payments that people end."""

from fundline.contracts.roles import Role
from fundline.platform.http.endpoints import Bound, Endpoint
from fundline.platform.http.path_values import PathValue
from fundline.services.operations_api.four_eyes import SecondPersonNeeded
from fundline.services.operations_api.payment_endings.answers import PaymentEnding, PaymentEndingPage
from fundline.services.operations_api.payment_endings.deeds import PaymentEndings
from fundline.services.operations_api.payment_endings.payment import EndingConflict
from fundline.services.operations_api.payment_endings.reading import EndingNotFound, Endings
from fundline.services.operations_api.payment_endings.schemas import (
    EndingDecision,
    EndingQuery,
    EndingRequest,
)
from fundline.services.operations_api.payments.reading import PaymentNotFound
from fundline.services.operations_api.people import READERS

_ID = PathValue("id", "The ending's id.", missing=EndingNotFound)
_BECAUSE = {"reason": "The bank's letter says the same."}

LIST = Endpoint(
    "GET",
    "/v1/payment-endings",
    name="listPaymentEndings",
    summary="What people say became of payments, newest first.",
    tag="operations",
    roles=READERS,
    takes=EndingQuery,
    gives=PaymentEndingPage,
)
PROPOSE = Endpoint(
    "POST",
    "/v1/payment-endings",
    name="proposePaymentEnding",
    summary="Say what the bank has written of a payment that is unknown or contradicted; nothing is booked yet.",
    tag="operations",
    roles=(Role.OPERATOR,),
    takes=EndingRequest,
    gives=PaymentEnding,
    status=201,
    says="Stored.",
    refuses=(SecondPersonNeeded, PaymentNotFound, EndingConflict),
    example={
        "applicationId": "01a20df7-bb99-7525-9dee-d33162722742",
        "outcome": "settled",
        "transactionId": "txn_4f1c",
        "evidence": "Letter of the bank of 27 November: executed on 26 November as txn_4f1c, 12500.00 USD.",
        "reason": "The bank does not know it by its id any more.",
    },
)
READ: Endpoint[None, PaymentEnding] = Endpoint(
    "GET",
    "/v1/payment-endings/{id}",
    name="readPaymentEnding",
    summary="One.",
    tag="operations",
    roles=READERS,
    path_values=(_ID,),
    gives=PaymentEnding,
)
AGREE = Endpoint(
    "POST",
    "/v1/payment-endings/{id}/approve",
    name="approvePaymentEnding",
    summary="Agree to what somebody else says; the payment ends, it is booked, and the applicant is told.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_ID,),
    takes=EndingDecision,
    gives=PaymentEnding,
    says="Stored.",
    refuses=(SecondPersonNeeded, EndingConflict),
    example=_BECAUSE,
)
WITHDRAW = Endpoint(
    "POST",
    "/v1/payment-endings/{id}/withdraw",
    name="withdrawPaymentEnding",
    summary="The payment goes on.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_ID,),
    takes=EndingDecision,
    gives=PaymentEnding,
    says="Stored.",
    refuses=(SecondPersonNeeded, EndingConflict),
    example=_BECAUSE,
)
ENDPOINTS = (LIST, PROPOSE, READ, AGREE, WITHDRAW)


def bound(reading: Endings, endings: PaymentEndings) -> list[Bound]:
    return [
        LIST.by(lambda call: reading.page(call.asked)),
        PROPOSE.by(lambda call: endings.propose(call.caller, call.asked, call.once)),
        READ.by(lambda call: reading.one(call.path["id"])),
        AGREE.by(lambda call: endings.agree(call.caller, call.path["id"], call.asked.reason, call.once)),
        WITHDRAW.by(
            lambda call: endings.withdraw(call.caller, call.path["id"], call.asked.reason, call.once)
        ),
    ]
