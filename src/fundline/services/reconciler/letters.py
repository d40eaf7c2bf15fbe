"""Dead letters: one whose matter is finished closes with the reason; one that kept an owner untold is sent again.

The event of a notification that died is sent once more under its own id, to the notification service's group alone,
while it is news: the inbox of that group lets it tell once, whoever else sends it again. What it says was compared
with the records. Everything else that died waits for a person, as before.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from fundline.contracts.payloads import DisbursementCompleted, StatusUpdated
from fundline.contracts.topics import DISBURSEMENT_COMPLETED, STATUS_UPDATED, Group
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.database import Database, RowBusy
from fundline.platform.database.outbox import outbox_row, store_events
from fundline.platform.telemetry.logs import get_log
from fundline.records.audit_streams import application_stream
from fundline.records.dead_letters import resolve_letter
from fundline.services.reconciler import letter_store as store
from fundline.services.reconciler.findings import SOURCE, Finding, Trouble
from fundline.services.reconciler.letter_rules import finished_because, read
from fundline.services.reconciler.letter_store import Matter

_News = StatusUpdated | DisbursementCompleted
_FIRST = UUID(int=0)


class DeadLetters:
    """`tell_within`: the age of a change past which nobody is told of it. `pause`: between two attempts to tell."""

    name = "dead_letters"

    def __init__(
        self, database: Database, *, attempts: int, batch: int, tell_within: timedelta, pause: timedelta
    ) -> None:
        self._database, self._attempts, self._batch = database, attempts, batch
        self._tell_within, self._pause = tell_within, pause
        self._log = get_log()

    async def look(self, *, at: datetime, full: bool) -> list[Finding]:  # noqa: ARG002 - letters are few
        findings: list[Finding] = []
        last = _FIRST
        while letters := await store.waiting_letters(self._database, after=last, limit=self._batch):
            last = letters[-1].letter_id
            findings += [found for letter in letters if (found := await self._handle(letter, at)) is not None]
        return findings

    async def _handle(self, letter: Matter, at: datetime) -> Finding | None:
        """None: it is left to a person, or somebody acts on it at this moment."""
        payload = read(letter)
        if payload is None:
            return None
        reason = finished_because(letter, payload)
        try:
            if reason:
                return await self._resolve(letter, reason, at)
            if isinstance(payload, _News) and self._may_send_again(letter, payload, at):
                return await self._send_again(letter, payload, at)
        except RowBusy:
            pass
        return None

    async def _resolve(self, letter: Matter, reason: str, at: datetime) -> Finding | None:
        async with self._database.transaction() as connection:
            if not await resolve_letter(connection, letter.letter_id, by=SOURCE, at=at, reason=reason):
                return None
        self._log.info("dead_letter.resolved", reason=reason, **_ids(letter))
        return Finding(Trouble.LETTER_FINISHED, str(letter.letter_id), reason, is_repaired=True)

    def _may_send_again(self, letter: Matter, payload: _News, at: datetime) -> bool:
        return (
            letter.group == Group.NOTIFICATION_SERVICE
            and payload.timestamp > at - self._tell_within
            and letter.tellings < self._attempts
            and (letter.told_at is None or letter.told_at <= at - self._pause)
        )

    async def _send_again(self, letter: Matter, payload: _News, at: datetime) -> Finding | None:
        topic = STATUS_UPDATED if isinstance(payload, StatusUpdated) else DISBURSEMENT_COMPLETED
        event = outbox_row(
            topic, payload, key=letter.application_id, event_id=letter.event_id, source=SOURCE, at=at
        )
        sentence = f"The event {letter.event_id} of {topic.name} died before anybody was told of it."
        details = {"topic": topic.name, "eventId": str(letter.event_id), "attempt": letter.tellings + 1}
        async with self._database.transaction() as connection:
            if not await store.still_waits(connection, letter.letter_id):
                return None
            await store_events(connection, [replace(event, topic=topic.retry(Group.NOTIFICATION_SERVICE))])
            await store.count_telling(connection, letter.letter_id, happened_at=payload.timestamp, at=at)
            stream = application_stream(letter.application_id)
            await record(
                connection, AuditEntry(stream, SOURCE, "notification.sent_again", at, sentence, details)
            )
        self._log.warning("dead_letter.told_again", **_ids(letter))
        return Finding(Trouble.OWNER_UNTOLD, str(letter.letter_id), sentence, is_repaired=True)


def _ids(letter: Matter) -> dict[str, str]:
    return {
        "dead_letter_id": str(letter.letter_id),
        "application_id": str(letter.application_id),
        "topic": letter.topic,
        "consumer_group": letter.group,
    }
