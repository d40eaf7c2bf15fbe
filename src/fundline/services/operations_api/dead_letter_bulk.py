"""Many dead letters at once, at a rate: one transaction, and the events carry their pace themselves.

Each event may be handled one step later than the one before it (`fundline-not-before`), so that no process has to
stay alive for the rate. Letters that move money are asked for; each then needs its second person.
"""

from datetime import timedelta
from typing import Any

import orjson

from fundline.casefile.dead_letters import LetterState
from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import StoredAnswer, WriteKey, write_once
from fundline.platform.http.requests import parse_body
from fundline.platform.identity import Caller, Role
from fundline.platform.telemetry.logs import get_log
from fundline.services.operations_api import dead_letter_store as store
from fundline.services.operations_api.dead_letter_deed import Deed
from fundline.services.operations_api.dead_letter_event import NotReplayable
from fundline.services.operations_api.dead_letter_schemas import BulkReplayRequest
from fundline.services.operations_api.four_eyes import SecondPersonNeeded, require_uninvolved


class BulkReplay:
    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database, self._now = database, now
        self._log = get_log()

    async def replay(self, caller: Caller, key: WriteKey, body: bytes) -> StoredAnswer:
        """200 and `{replayed, requested, skipped, nextAfter}`; `nextAfter` is None when no more fit the filter.

        Raises Forbidden, InvalidRequest, KeyReused, RecordBusy.
        """
        caller.require(Role.OPERATOR)
        request = parse_body(BulkReplayRequest, body)

        async def work(connection: Connection) -> tuple[int, bytes]:
            deed = Deed(connection, caller, request.reason, self._now())
            return 200, orjson.dumps(await _batch(deed, request))

        answer = await write_once(self._database, key, work)
        if not answer.is_replay:
            told = orjson.loads(answer.body)
            self._log.info(
                "dead_letters.replayed",
                topic=request.topic,
                consumer_group=request.group,
                replayed=len(told["replayed"]),
                requested=len(told["requested"]),
                skipped=len(told["skipped"]),
                **{"user.id": caller.subject},
            )
        return answer


async def _batch(deed: Deed, request: BulkReplayRequest) -> dict[str, Any]:
    wanted = store.Filter(request.topic, request.group, request.cause)
    letters = await store.lock_batch(deed.connection, wanted, after=request.after, limit=request.limit)
    step = timedelta(seconds=1 / request.per_second)
    replayed: list[str] = []
    requested: list[str] = []
    skipped: list[dict[str, str]] = []
    for letter in letters:
        letter_id = str(letter.letter_id)
        try:
            require_uninvolved(deed.caller, first=None, applicant=letter.applicant)
            sent = await deed.send_or_request(letter, not_before=deed.at + step * len(replayed))
        except (NotReplayable, SecondPersonNeeded) as refused:
            skipped.append({"id": letter_id, "because": refused.sentence})
        else:
            (replayed if sent.state is LetterState.REPLAYED else requested).append(letter_id)
    is_last = len(letters) < request.limit
    return {
        "replayed": replayed,
        "requested": requested,
        "skipped": skipped,
        "nextAfter": None if is_last else str(letters[-1].letter_id),
    }
