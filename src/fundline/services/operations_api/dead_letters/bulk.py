"""Many dead letters at once, at a rate: one transaction, and the events carry their pace themselves.

Each event may be handled one step later than the one before it (`fundline-not-before`), so that no process has to
stay alive for the rate. Letters that move money are asked for; each then needs its second person.
"""

from datetime import timedelta
from uuid import UUID

from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.platform.telemetry.logs import get_log
from fundline.records.dead_letters import LetterState
from fundline.services.operations_api.dead_letters import store
from fundline.services.operations_api.dead_letters.answers import BulkReplayed, SkippedLetter
from fundline.services.operations_api.dead_letters.change import Change
from fundline.services.operations_api.dead_letters.event import NotReplayable
from fundline.services.operations_api.dead_letters.schemas import BulkReplayRequest
from fundline.services.operations_api.four_eyes import SecondPersonNeeded, require_uninvolved


class BulkReplay:
    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database, self._now = database, now
        self._log = get_log()

    async def replay(
        self, caller: Caller, request: BulkReplayRequest, once: Once[BulkReplayed]
    ) -> BulkReplayed:
        """What became of each letter of the batch. `next_after` is None when no more fit the filter.

        Raises what `once.write` raises.
        """

        async def work(connection: Connection) -> BulkReplayed:
            return await _batch(Change(connection, caller, request.reason, self._now()), request)

        told = await once.write(self._database, work)
        self._log.info(
            "dead_letters.replayed",
            topic=request.topic,
            consumer_group=request.group,
            replayed=len(told.replayed),
            requested=len(told.requested),
            skipped=len(told.skipped),
            **{"user.id": caller.subject},
        )
        return told


async def _batch(change: Change, request: BulkReplayRequest) -> BulkReplayed:
    wanted = store.Filter(request.topic, request.group, request.cause)
    letters = await store.lock_batch(change.connection, wanted, after=request.after, limit=request.limit)
    step = timedelta(seconds=1 / request.per_second)
    replayed: list[UUID] = []
    requested: list[UUID] = []
    skipped: list[SkippedLetter] = []
    for letter in letters:
        try:
            require_uninvolved(change.caller, first=None, applicant=letter.applicant)
            sent = await change.send_or_request(letter, not_before=change.at + step * len(replayed))
        except (NotReplayable, SecondPersonNeeded) as refused:
            skipped.append(SkippedLetter(id=letter.letter_id, because=refused.sentence))
        else:
            (replayed if sent.state is LetterState.REPLAYED else requested).append(letter.letter_id)
    is_last = len(letters) < request.limit
    return BulkReplayed(
        replayed=replayed,
        requested=requested,
        skipped=skipped,
        next_after=None if is_last else letters[-1].letter_id,
    )
