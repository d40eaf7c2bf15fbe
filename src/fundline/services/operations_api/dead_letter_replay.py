"""What people do with a dead letter: send it again, as it is or corrected; agree to that; take it back; discard it.

Each is one transaction: key, letter, event, audit, case. Where money moves, one operator asks for the replay and
another agrees. Transitions: open -> replayed | replay_requested | discarded; replay_requested -> replayed | open |
discarded. A settled letter refuses everything; only another death of its event opens it again (the keeper's doing).
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import orjson

from fundline.casefile.dead_letters import LetterState
from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import StoredAnswer, WriteKey, write_once
from fundline.platform.http.requests import parse_body
from fundline.platform.identity import Caller, Role
from fundline.platform.refusals import Kind, Refusal
from fundline.platform.telemetry.logs import get_log
from fundline.services.operations_api import dead_letter_store as store
from fundline.services.operations_api.dead_letter_deed import Deed
from fundline.services.operations_api.dead_letter_schemas import (
    ApprovalRequest,
    ReasonRequest,
    ReplayRequest,
)
from fundline.services.operations_api.dead_letter_store import Letter
from fundline.services.operations_api.dead_letter_views import brief_view, payload_sha256
from fundline.services.operations_api.dead_letters import DeadLetterNotFound, letter_id_of
from fundline.services.operations_api.four_eyes import require_uninvolved

R = TypeVar("R", bound=ReasonRequest)
Act = Callable[[Deed, Letter, R], Awaitable[Letter]]


class DeadLetterSettled(Refusal):
    kind = Kind.CONFLICT
    code = "dead-letter-settled"
    title = "The dead letter has been replayed or discarded"


class ReplayRequested(Refusal):
    kind = Kind.CONFLICT
    code = "replay-requested"
    title = "A replay has been asked for and waits for a second person"


class NoReplayRequested(Refusal):
    kind = Kind.CONFLICT
    code = "no-replay-requested"
    title = "Nobody has asked for a replay"


class PayloadChanged(Refusal):
    kind = Kind.CONFLICT
    code = "dead-letter-payload-changed"
    title = "The payload is not the one that was looked at"


class DeadLetterReplay:
    """Methods answer 200 and the letter. All raise Forbidden, SecondPersonNeeded for the applicant, InvalidRequest,
    DeadLetterNotFound, DeadLetterSettled, KeyReused, RecordBusy.
    """

    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database, self._now = database, now
        self._log = get_log()

    async def replay(self, caller: Caller, key: WriteKey, text: str, body: bytes) -> StoredAnswer:
        """Sent, or where money moves only asked for. Raises NotReplayable, ReplayRequested."""

        async def act(deed: Deed, letter: Letter, request: ReplayRequest) -> Letter:
            if letter.state is LetterState.REPLAY_REQUESTED:
                raise ReplayRequested(
                    f"{letter.requested_by} has asked for the replay; approve it, or withdraw that first."
                )
            if request.payload is not None:
                letter = await deed.edit(letter, request.payload)
            return await deed.send_or_request(letter)

        return await self._act(caller, key, text, ReplayRequest, body, act)

    async def approve(self, caller: Caller, key: WriteKey, text: str, body: bytes) -> StoredAnswer:
        """The second person. Raises NoReplayRequested, PayloadChanged, SecondPersonNeeded."""

        async def act(deed: Deed, letter: Letter, request: ApprovalRequest) -> Letter:
            _require_requested(letter)
            require_uninvolved(caller, first=letter.requested_by, applicant=letter.applicant)
            if request.payload_sha256 != payload_sha256(letter):
                raise PayloadChanged("Look at the letter again: its payload was edited meanwhile.")
            return await deed.send(letter)

        return await self._act(caller, key, text, ApprovalRequest, body, act)

    async def withdraw(self, caller: Caller, key: WriteKey, text: str, body: bytes) -> StoredAnswer:
        """Nobody agrees, or who asked has thought again: the letter is open. Raises NoReplayRequested."""

        async def act(deed: Deed, letter: Letter, _request: ReasonRequest) -> Letter:
            _require_requested(letter)
            return await deed.withdraw(letter)

        return await self._act(caller, key, text, ReasonRequest, body, act)

    async def discard(self, caller: Caller, key: WriteKey, text: str, body: bytes) -> StoredAnswer:
        """It will not be sent again."""

        async def act(deed: Deed, letter: Letter, _request: ReasonRequest) -> Letter:
            return await deed.discard(letter)

        return await self._act(caller, key, text, ReasonRequest, body, act)

    async def _act(
        self, caller: Caller, key: WriteKey, text: str, model: type[R], body: bytes, act: Act[R]
    ) -> StoredAnswer:
        caller.require(Role.OPERATOR)
        letter_id, request = letter_id_of(text), parse_body(model, body)

        async def work(connection: Connection) -> tuple[int, bytes]:
            letter = await store.lock_letter(connection, letter_id)
            if letter is None:
                raise DeadLetterNotFound
            require_uninvolved(caller, first=None, applicant=letter.applicant)
            if letter.state.is_settled:
                raise DeadLetterSettled(
                    f"It was {letter.state} by {letter.settled_by}; there is nothing left to do."
                )
            deed = Deed(connection, caller, request.reason, self._now())
            return 200, orjson.dumps(brief_view(await act(deed, letter, request)))

        answer = await write_once(self._database, key, work)
        if not answer.is_replay:
            told = orjson.loads(answer.body)
            self._log.info(
                f"dead_letter.{told['state']}",
                dead_letter_id=told["id"],
                topic=told["topic"],
                application_id=told["key"],
                **{"user.id": caller.subject},
            )
        return answer


def _require_requested(letter: Letter) -> None:
    if letter.state is not LetterState.REPLAY_REQUESTED:
        raise NoReplayRequested("Ask for the replay first; then another operator agrees.")
