"""What people do with a dead letter: send it again, as it is or corrected; agree to that; take it back; discard it.

Each is one transaction: key, letter, event, audit, case. Where money moves, one operator asks for the replay and
another agrees. Transitions: open -> replayed | replay_requested | discarded; replay_requested -> replayed | open |
discarded. A settled letter refuses everything; only another death of its event opens it again (the keeper's doing).
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.platform.refusals import Kind, Refusal
from fundline.platform.telemetry.logs import get_log
from fundline.records.dead_letters import LetterState
from fundline.services.operations_api.dead_letters import store
from fundline.services.operations_api.dead_letters.answers import DeadLetter, letter_answer
from fundline.services.operations_api.dead_letters.change import Change
from fundline.services.operations_api.dead_letters.reading import DeadLetterNotFound
from fundline.services.operations_api.dead_letters.schemas import ApprovalRequest, ReplayRequest
from fundline.services.operations_api.dead_letters.store import Letter
from fundline.services.operations_api.four_eyes import require_uninvolved

Act = Callable[[Change, Letter], Awaitable[Letter]]


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
    """Methods give the letter as it is now. All raise SecondPersonNeeded for the applicant, DeadLetterNotFound,
    DeadLetterSettled, and what `once.write` raises.
    """

    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database, self._now = database, now
        self._log = get_log()

    async def replay(
        self, caller: Caller, letter_id: UUID, request: ReplayRequest, once: Once[DeadLetter]
    ) -> DeadLetter:
        """Sent, or where money moves only asked for. Raises InvalidRequest, NotReplayable, ReplayRequested."""

        async def act(change: Change, letter: Letter) -> Letter:
            if letter.state is LetterState.REPLAY_REQUESTED:
                raise ReplayRequested(
                    f"{letter.requested_by} has asked for the replay; approve it, or withdraw that first."
                )
            if request.payload is not None:
                letter = await change.edit(letter, request.payload)
            return await change.send_or_request(letter)

        return await self._act(caller, letter_id, request.reason, once, act)

    async def approve(
        self, caller: Caller, letter_id: UUID, request: ApprovalRequest, once: Once[DeadLetter]
    ) -> DeadLetter:
        """The second person. Raises NoReplayRequested, PayloadChanged, SecondPersonNeeded for who asked for it."""

        async def act(change: Change, letter: Letter) -> Letter:
            _require_requested(letter)
            require_uninvolved(caller, first=letter.requested_by, applicant=letter.applicant)
            if request.payload_sha256 != letter.sha256_to_send:
                raise PayloadChanged("Look at the letter again: its payload was edited meanwhile.")
            return await change.send(letter)

        return await self._act(caller, letter_id, request.reason, once, act)

    async def withdraw(
        self, caller: Caller, letter_id: UUID, reason: str, once: Once[DeadLetter]
    ) -> DeadLetter:
        """Nobody agrees, or who asked has thought again: the letter is open. Raises NoReplayRequested."""

        async def act(change: Change, letter: Letter) -> Letter:
            _require_requested(letter)
            return await change.withdraw(letter)

        return await self._act(caller, letter_id, reason, once, act)

    async def discard(
        self, caller: Caller, letter_id: UUID, reason: str, once: Once[DeadLetter]
    ) -> DeadLetter:
        """It will not be sent again."""

        async def act(change: Change, letter: Letter) -> Letter:
            return await change.discard(letter)

        return await self._act(caller, letter_id, reason, once, act)

    async def _act(
        self, caller: Caller, letter_id: UUID, reason: str, once: Once[DeadLetter], act: Act
    ) -> DeadLetter:
        async def work(connection: Connection) -> DeadLetter:
            letter = await store.lock_letter(connection, letter_id)
            if letter is None:
                raise DeadLetterNotFound
            require_uninvolved(caller, first=None, applicant=letter.applicant)
            if letter.state.is_settled:
                raise DeadLetterSettled(
                    f"It was {letter.state} by {letter.settled_by}; there is nothing left to do."
                )
            return letter_answer(await act(Change(connection, caller, reason, self._now()), letter))

        letter = await once.write(self._database, work)
        self._log.info(
            f"dead_letter.{letter.state}",
            dead_letter_id=str(letter.id),
            topic=letter.topic,
            application_id=letter.key,
            **{"user.id": caller.subject},
        )
        return letter


def _require_requested(letter: Letter) -> None:
    if letter.state is not LetterState.REPLAY_REQUESTED:
        raise NoReplayRequested("Ask for the replay first; then another operator agrees.")
