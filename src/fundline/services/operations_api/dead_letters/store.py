"""The SQL of reading dead letters and of what people do with them."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql
from fundline.platform.kafka.messages import CUT_BYTES, CUT_SHA256, ORIGIN, number_in
from fundline.records.dead_letters import LetterState

_LETTERS = """
select l.dead_letter_id, l.topic, l.consumer_group, l.event_id, l.key, l.application_id, l.payload, l.headers, l.cause,
       l.attempts, l.first_failed_at, l.last_failed_at, l.moves_money, l.state, l.replays, l.edited_payload,
       l.requested_by, l.settled_by, l.settled_at, l.reason, i.handled_at, a.user_id
from dead_letters l
left join inbox i on i.consumer = l.consumer_group and i.event_id = l.event_id
left join applications a on a.application_id = l.application_id
"""
ONE_LETTER = _LETTERS + "where l.dead_letter_id = $1"
LOCKED_LETTER = ONE_LETTER + " for update of l"
_FILTER = """
(:topic::text is null or l.topic = :topic) and (:group::text is null or l.consumer_group = :group)
and (:cause::text is null or strpos(l.cause, :cause) > 0)
"""
PAGE_OF_LETTERS = Sql(
    _LETTERS
    + "where "
    + _FILTER
    + """
and (:state::text is null or l.state = :state)
and (:application_id::uuid is null or l.application_id = :application_id)
and (:before::uuid is null or l.dead_letter_id < :before)
order by l.dead_letter_id desc limit :limit
"""
)
LOCKED_BATCH = Sql(
    _LETTERS
    + "where "
    + _FILTER
    + """
and l.state = 'open' and (:after::uuid is null or l.dead_letter_id > :after)
order by l.dead_letter_id limit :limit for update of l skip locked
"""
)
ARRIVALS = """
select topic, partition, "offset", cause, attempts, replay, failed_at
from dead_letter_arrivals where dead_letter_id = $1 order by failed_at, "offset"
"""
MOVE = Sql("""
update dead_letters
set state = :state, reason = :reason, requested_by = :requested_by, settled_by = :settled_by,
    settled_at = :settled_at, replays = :replays, edited_payload = :edited_payload
where dead_letter_id = :letter_id
""")


@dataclass(frozen=True, slots=True)
class Filter:
    """None: any. `cause` is a part of the text."""

    topic: str | None = None
    group: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A payload of which the letter has only the head: its size, its SHA-256 and its place in Kafka, as the message
    says them. `origin`: `topic/partition/offset`.
    """

    size_bytes: int
    sha256: str
    origin: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter. `payload` is the original and never changes; `edited_payload` a person's correction."""

    letter_id: UUID
    topic: str
    group: str
    event_id: UUID | None
    key: str
    application_id: UUID | None
    payload: bytes
    headers: str
    cause: str
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime
    moves_money: bool
    state: LetterState
    replays: int
    edited_payload: str | None
    requested_by: str | None
    settled_by: str | None
    settled_at: datetime | None
    reason: str
    handled_at: datetime | None
    """When its group has handled the event, as far as the inbox remembers."""
    applicant: str | None
    """Whom the application belongs to."""

    @property
    def payload_to_send(self) -> bytes:
        return self.payload if self.edited_payload is None else self.edited_payload.encode()

    @property
    def sha256_to_send(self) -> str:
        return hashlib.sha256(self.payload_to_send).hexdigest()

    @property
    def whole(self) -> Whole | None:
        """None when the payload is here as it came."""
        headers: dict[str, str] = orjson.loads(self.headers)
        if CUT_SHA256 not in headers:
            return None
        return Whole(number_in(headers.get(CUT_BYTES, "")) or 0, headers[CUT_SHA256], headers.get(ORIGIN, ""))


async def find_letter(database: Database, letter_id: UUID) -> Letter | None:
    return _letter(await database.fetchrow(ONE_LETTER, letter_id))


async def lock_letter(connection: Connection, letter_id: UUID) -> Letter | None:
    """Raises RowBusy."""
    return _letter(await connection.fetchrow(LOCKED_LETTER, letter_id))


async def page_of_letters(
    database: Database,
    wanted: Filter,
    *,
    state: str | None,
    application_id: UUID | None,
    before: UUID | None,
    limit: int,
) -> list[Letter]:
    """Newest first."""
    rows = await database.fetch(
        *PAGE_OF_LETTERS(
            topic=wanted.topic,
            group=wanted.group,
            cause=wanted.cause,
            state=state,
            application_id=application_id,
            before=before,
            limit=limit,
        )
    )
    return [letter for row in rows if (letter := _letter(row)) is not None]


async def lock_batch(
    connection: Connection, wanted: Filter, *, after: UUID | None, limit: int
) -> list[Letter]:
    """Open letters, oldest first, but those that somebody acts on at this moment."""
    rows = await connection.fetch(
        *LOCKED_BATCH(topic=wanted.topic, group=wanted.group, cause=wanted.cause, after=after, limit=limit)
    )
    return [letter for row in rows if (letter := _letter(row)) is not None]


async def arrivals(database: Database, letter_id: UUID) -> list[Any]:
    """Oldest first."""
    return await database.fetch(ARRIVALS, letter_id)


async def save(connection: Connection, letter: Letter) -> None:
    """What a person may change; the letter must be locked."""
    await connection.execute(
        *MOVE(
            letter_id=letter.letter_id,
            state=letter.state.value,
            reason=letter.reason,
            requested_by=letter.requested_by,
            settled_by=letter.settled_by,
            settled_at=letter.settled_at,
            replays=letter.replays,
            edited_payload=letter.edited_payload,
        )
    )


def _letter(row: Any) -> Letter | None:
    if row is None:
        return None
    columns = {
        name: row[name]
        for name in Letter.__slots__
        if name not in {"letter_id", "group", "state", "applicant"}
    }
    return Letter(
        letter_id=row["dead_letter_id"],
        group=row["consumer_group"],
        state=LetterState(row["state"]),
        applicant=row["user_id"],
        **columns,
    )
