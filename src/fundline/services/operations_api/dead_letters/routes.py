"""What the operations API offers about dead letters."""

from fundline.contracts.roles import Role
from fundline.platform.http.endpoints import Bound, Endpoint
from fundline.platform.http.path_values import PathValue
from fundline.records.references import MistypedTrackingId
from fundline.services.operations_api.dead_letters.answers import (
    BulkReplayed,
    DeadLetter,
    DeadLetterPage,
    WholeDeadLetter,
)
from fundline.services.operations_api.dead_letters.bulk import BulkReplay
from fundline.services.operations_api.dead_letters.deeds import (
    DeadLetterReplay,
    DeadLetterSettled,
    NoReplayRequested,
    PayloadChanged,
    ReplayRequested,
)
from fundline.services.operations_api.dead_letters.event import NotReplayable
from fundline.services.operations_api.dead_letters.reading import (
    ApplicationUnknown,
    DeadLetterNotFound,
    DeadLetters,
)
from fundline.services.operations_api.dead_letters.schemas import (
    ApprovalRequest,
    BulkReplayRequest,
    DeadLetterQuery,
    ReasonRequest,
    ReplayRequest,
)
from fundline.services.operations_api.four_eyes import SecondPersonNeeded
from fundline.services.operations_api.people import READERS

_LETTER_ID = PathValue("id", "The dead letter's id.", missing=DeadLetterNotFound)
_REASON = {"reason": "The bank is back; asked for under its id."}
_REFUSES = (SecondPersonNeeded, DeadLetterSettled)

LIST = Endpoint(
    "GET",
    "/v1/dead-letters",
    name="listDeadLetters",
    summary="Events that consumer groups gave up on, newest first.",
    tag="operations",
    roles=READERS,
    takes=DeadLetterQuery,
    gives=DeadLetterPage,
    refuses=(ApplicationUnknown, MistypedTrackingId),
)
BULK_REPLAY = Endpoint(
    "POST",
    "/v1/dead-letters/bulk-replay",
    name="bulkReplayDeadLetters",
    summary="Replay up to 100 open letters, oldest first, at a rate; those that move money are asked for.",
    tag="operations",
    roles=(Role.OPERATOR,),
    takes=BulkReplayRequest,
    gives=BulkReplayed,
    says="Stored.",
    example={"topic": "status.updated", "perSecond": 10, **_REASON},
)
READ: Endpoint[None, WholeDeadLetter] = Endpoint(
    "GET",
    "/v1/dead-letters/{id}",
    name="readDeadLetter",
    summary="One, with its payload and every time it died.",
    tag="operations",
    roles=READERS,
    path_values=(_LETTER_ID,),
    gives=WholeDeadLetter,
)
REPLAY = Endpoint(
    "POST",
    "/v1/dead-letters/{id}/replay",
    name="replayDeadLetter",
    summary="Send the event again to its group, under the same event id; where money moves, ask for it.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_LETTER_ID,),
    takes=ReplayRequest,
    gives=DeadLetter,
    says="Stored.",
    refuses=(*_REFUSES, NotReplayable, ReplayRequested),
    example=_REASON,
)
APPROVE = Endpoint(
    "POST",
    "/v1/dead-letters/{id}/approve",
    name="approveDeadLetter",
    summary="Agree to a replay that somebody else has asked for.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_LETTER_ID,),
    takes=ApprovalRequest,
    gives=DeadLetter,
    says="Stored.",
    refuses=(*_REFUSES, NotReplayable, NoReplayRequested, PayloadChanged),
    example={
        **_REASON,
        "payloadSha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    },
)
WITHDRAW = Endpoint(
    "POST",
    "/v1/dead-letters/{id}/withdraw",
    name="withdrawDeadLetter",
    summary="Take back what was asked for, or refuse it.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_LETTER_ID,),
    takes=ReasonRequest,
    gives=DeadLetter,
    says="Stored.",
    refuses=(*_REFUSES, NoReplayRequested),
    example=_REASON,
)
DISCARD = Endpoint(
    "POST",
    "/v1/dead-letters/{id}/discard",
    name="discardDeadLetter",
    summary="It will not be sent again.",
    tag="operations",
    roles=(Role.OPERATOR,),
    path_values=(_LETTER_ID,),
    takes=ReasonRequest,
    gives=DeadLetter,
    says="Stored.",
    refuses=_REFUSES,
    example=_REASON,
)
ENDPOINTS = (LIST, BULK_REPLAY, READ, REPLAY, APPROVE, WITHDRAW, DISCARD)


def bound(letters: DeadLetters, replay: DeadLetterReplay, bulk: BulkReplay) -> list[Bound]:
    """In this order: the path of the bulk replay comes before `{id}`, which would take it for an id."""
    return [
        LIST.by(lambda call: letters.page(call.asked)),
        BULK_REPLAY.by(lambda call: bulk.replay(call.caller, call.asked, call.once)),
        READ.by(lambda call: letters.one(call.path["id"])),
        REPLAY.by(lambda call: replay.replay(call.caller, call.path["id"], call.asked, call.once)),
        APPROVE.by(lambda call: replay.approve(call.caller, call.path["id"], call.asked, call.once)),
        WITHDRAW.by(lambda call: replay.withdraw(call.caller, call.path["id"], call.asked.reason, call.once)),
        DISCARD.by(lambda call: replay.discard(call.caller, call.path["id"], call.asked.reason, call.once)),
    ]
