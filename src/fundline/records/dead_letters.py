"""Dead letters: what a consumer group gave up on, one letter per event and group, however often it dies."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from fundline.platform.audit.rows import ROWS, read_rows
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import NewId
from fundline.platform.database import Connection, LeaderConnection
from fundline.platform.database.sql import Sql
from fundline.records.audit_streams import application_stream
from fundline.records.cases import CaseKind, NewCase, open_case, settle_case
from fundline.records.recorded_tables import DEAD_LETTERS

IS_KEPT = """
select exists (select from dead_letter_arrivals
               where topic = $1 and partition = $2 and "offset" = $3 and digest = $4)
"""
INSERT_LETTER = Sql("""
insert into dead_letters (dead_letter_id, topic, consumer_group, event_id, key, application_id, payload, headers, cause,
                          attempts, first_failed_at, last_failed_at, moves_money, state)
values (:letter_id, :topic, :group, :event_id, :key,
        (select application_id from applications where application_id = :key_id), :payload, :headers, :cause,
        :attempts, :first_failed_at, :last_failed_at, :moves_money, 'open')
on conflict on constraint dead_letters_once_per_event_and_group do nothing
returning dead_letter_id, application_id, state
""")
LOCK_LETTER = """
select dead_letter_id, application_id, state, replays from dead_letters
where topic = $1 and consumer_group = $2 and event_id = $3 for update
"""
DIED_AGAIN = Sql("""
update dead_letters
set headers = :headers, cause = :cause, attempts = least(attempts::bigint + :attempts, 2147483647),
    first_failed_at = least(first_failed_at, :first_failed_at),
    last_failed_at = greatest(last_failed_at, :last_failed_at),
    state = case when :again then 'open' else state end,
    requested_by = case when :again then null else requested_by end,
    settled_by = case when :again then null else settled_by end,
    settled_at = case when :again then null else settled_at end
where dead_letter_id = :letter_id
""")
RESOLVE = Sql("""
update dead_letters set state = 'resolved', reason = :reason, settled_by = :by, settled_at = :at
where dead_letter_id = :letter_id and state in ('open', 'replay_requested')
returning application_id, payload
""")
INSERT_ARRIVAL = Sql("""
insert into dead_letter_arrivals (topic, partition, "offset", digest, dead_letter_id, cause, attempts, replay,
                                  failed_at)
values (:topic, :partition, :offset, :digest, :letter_id, :cause, :attempts, :replay, :failed_at)
""")

Writer = Connection | LeaderConnection
"""In a transaction."""
PUBLISHER = "event-router"
"""Stands where a consumer group is named, on letters of events that Kafka has refused: no group has seen them."""


class LetterState(StrEnum):
    OPEN = "open"
    REPLAY_REQUESTED = "replay_requested"
    """Moves money: one person has asked for the replay, another must agree."""
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    RESOLVED = "resolved"
    """What the event was to bring about has happened: the reconciler saw it in the records."""

    @property
    def is_settled(self) -> bool:
        return self not in {LetterState.OPEN, LetterState.REPLAY_REQUESTED}


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """A message of a dead-letter topic, understood as far as it can be; texts hold nothing the database refuses."""

    place: tuple[str, int, int]
    """Dead-letter topic with its prefix, partition, offset."""
    digest: bytes
    topic: str
    group: str
    event_id: UUID | None
    key: str
    key_id: UUID | None
    payload: bytes
    headers: str
    cause: str
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime
    replay: int
    """Which replay has failed; 0: it was never replayed."""
    moves_money: bool


@dataclass(frozen=True, slots=True)
class Kept:
    letter_id: UUID
    is_new: bool
    is_open_again: bool


def letter_stream(letter_id: UUID | str) -> str:
    """Of the audit trail."""
    return f"dead-letter:{letter_id}"


async def audit_letter(connection: Writer, entry: AuditEntry, application_id: UUID | None) -> None:
    """In the letter's stream, with the row as it is now, and in its application's where there is one."""
    letter_id = UUID(entry.stream.removeprefix(letter_stream("")))
    rows = await read_rows(connection, DEAD_LETTERS, [letter_id])
    entries = [replace(entry, details={**entry.details, ROWS: rows})]
    if application_id is not None:
        entries.append(
            AuditEntry(
                application_stream(application_id),
                entry.actor,
                entry.action,
                entry.at,
                entry.reason,
                {**entry.details, "stream": entry.stream},
                entry.evidence,
            )
        )
    await record(connection, *entries)


async def resolve_letter(
    connection: Connection, letter_id: UUID, *, by: str, at: datetime, reason: str
) -> bool:
    """Nobody has to act on it any more: with its audit entry, and the end of its case. False when it is settled."""
    row = await connection.fetchrow(*RESOLVE(letter_id=letter_id, reason=reason, by=by, at=at))
    if row is None:
        return False
    stream = letter_stream(letter_id)
    entry = AuditEntry(stream, by, "deadletter.resolved", at, reason, {}, evidence=row["payload"])
    await audit_letter(connection, entry, row["application_id"])
    await settle_case(connection, CaseKind.DEAD_LETTER, str(letter_id), by=by, at=at, resolution=reason)
    return True


async def keep_letter(connection: Writer, message: DeadMessage, *, actor: str, new_id: NewId) -> Kept | None:
    """In the caller's transaction. None when this very message is kept already.

    A letter that was replayed, or discarded, and dies again is open again, unless the message is older than the
    replay. A case is opened for a letter that moves money and for one that died again.
    """
    if await connection.fetchval(IS_KEPT, *message.place, message.digest):
        return None
    row = await _insert(connection, message, new_id())
    is_new = row is not None
    if row is None:
        row = await connection.fetchrow(LOCK_LETTER, message.topic, message.group, message.event_id)
        assert row is not None  # noqa: S101 - the conflict above was with this row, and letters are never deleted
    again = not is_new and LetterState(row["state"]).is_settled and message.replay >= row["replays"]
    if not is_new:
        await _update(connection, row["dead_letter_id"], message, again=again)
    await _note(connection, row, message, actor=actor, new_id=new_id, is_new=is_new, again=again)
    return Kept(row["dead_letter_id"], is_new, again)


async def _insert(connection: Writer, message: DeadMessage, letter_id: UUID) -> Any | None:
    return await connection.fetchrow(
        *INSERT_LETTER(
            letter_id=letter_id,
            topic=message.topic,
            group=message.group,
            event_id=message.event_id,
            key=message.key,
            key_id=message.key_id,
            payload=message.payload,
            headers=message.headers,
            cause=message.cause,
            attempts=message.attempts,
            first_failed_at=message.first_failed_at,
            last_failed_at=message.last_failed_at,
            moves_money=message.moves_money,
        )
    )


async def _update(connection: Writer, letter_id: UUID, message: DeadMessage, *, again: bool) -> None:
    await connection.execute(
        *DIED_AGAIN(
            letter_id=letter_id,
            headers=message.headers,
            cause=message.cause,
            attempts=message.attempts,
            first_failed_at=message.first_failed_at,
            last_failed_at=message.last_failed_at,
            again=again,
        )
    )


async def _note(
    connection: Writer,
    row: Any,
    message: DeadMessage,
    *,
    actor: str,
    new_id: NewId,
    is_new: bool,
    again: bool,
) -> None:
    """The arrival, the audit entry, and the case where a person has to look."""
    letter_id, application_id, at = row["dead_letter_id"], row["application_id"], message.last_failed_at
    topic, partition, offset = message.place
    await connection.execute(
        *INSERT_ARRIVAL(
            topic=topic,
            partition=partition,
            offset=offset,
            digest=message.digest,
            letter_id=letter_id,
            cause=message.cause,
            attempts=message.attempts,
            replay=message.replay,
            failed_at=at,
        )
    )
    details = {
        "topic": message.topic,
        "group": message.group,
        "eventId": None if message.event_id is None else str(message.event_id),
        "attempts": message.attempts,
        "replay": message.replay,
    }
    action = "deadletter.kept" if is_new else "deadletter.died_again"
    entry = AuditEntry(
        letter_stream(letter_id), actor, action, at, message.cause, details, evidence=message.payload
    )
    await audit_letter(connection, entry, application_id)
    if again or (is_new and message.moves_money):
        trouble = "died again after its replay" if again else "moves money"
        case = NewCase(
            CaseKind.DEAD_LETTER,
            str(letter_id),
            f"A dead letter of {message.topic} ({message.group or 'group unknown'}) {trouble}: {message.cause}"[
                :500
            ],
            application_id,
            details,
        )
        await open_case(connection, case, case_id=new_id(), opened_by=actor, at=at)
