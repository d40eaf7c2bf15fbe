"""What somebody changes on one locked dead letter: the letter's new state, its audit entry, its event, its case."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fundline.platform.audit.trail import AuditEntry
from fundline.platform.database import Connection
from fundline.platform.database.outbox import store_events
from fundline.platform.identity import Caller
from fundline.records.cases import CaseKind, settle_case
from fundline.records.dead_letters import LetterState, audit_letter, letter_stream
from fundline.services.operations_api.dead_letters import store
from fundline.services.operations_api.dead_letters.edit import difference, edited_payload
from fundline.services.operations_api.dead_letters.event import event_to_replay, topic_of
from fundline.services.operations_api.dead_letters.store import Letter
from fundline.services.operations_api.four_eyes import actor_of


@dataclass(frozen=True, slots=True)
class Change:
    """Who, why and when, in whose transaction. Methods return the letter as it is now."""

    connection: Connection
    caller: Caller
    reason: str
    at: datetime

    async def edit(self, letter: Letter, payload: dict[str, Any]) -> Letter:
        """Raises InvalidRequest, NotReplayable."""
        edited = replace(letter, edited_payload=edited_payload(letter, topic_of(letter), payload))
        details = {"changes": difference(letter.payload, edited.payload_to_send)}
        await self._audit(edited, "deadletter.edited", details, evidence=letter.payload)
        return edited

    async def send_or_request(self, letter: Letter, *, not_before: datetime | None = None) -> Letter:
        """Sent; where money moves, it waits for a second person instead. Raises NotReplayable."""
        if not letter.moves_money:
            return await self.send(letter, not_before=not_before)
        event_to_replay(letter)  # refused now rather than when somebody else agrees
        asked = replace(letter, state=LetterState.REPLAY_REQUESTED, requested_by=self.caller.subject)
        return await self.save(asked, "deadletter.replay_requested", {"payloadSha256": letter.sha256_to_send})

    async def send(self, letter: Letter, *, not_before: datetime | None = None) -> Letter:
        """The event goes into the outbox. No application is locked: a retry topic promises no order. Raises
        NotReplayable.
        """
        event = event_to_replay(letter, not_before=not_before)
        await store_events(self.connection, [event])
        sent = self._settled(replace(letter, replays=letter.replays + 1), LetterState.REPLAYED)
        details = {
            "eventId": str(event.event_id),
            "topic": event.topic,
            "replay": sent.replays,
            "payloadSha256": letter.sha256_to_send,
            "requestedBy": letter.requested_by,
        }
        return await self.save(sent, "deadletter.replayed", details)

    async def withdraw(self, letter: Letter) -> Letter:
        opened = replace(letter, state=LetterState.OPEN, requested_by=None)
        return await self.save(opened, "deadletter.request_withdrawn", {"requestedBy": letter.requested_by})

    async def discard(self, letter: Letter) -> Letter:
        return await self.save(self._settled(letter, LetterState.DISCARDED), "deadletter.discarded", {})

    async def save(self, letter: Letter, action: str, details: dict[str, Any]) -> Letter:
        """With its audit entry, and the end of its case where it is settled."""
        letter = replace(letter, reason=self.reason)
        await store.save(self.connection, letter)
        await self._audit(letter, action, details, evidence=letter.payload_to_send)
        if letter.state.is_settled:
            await settle_case(
                self.connection,
                CaseKind.DEAD_LETTER,
                str(letter.letter_id),
                by=actor_of(self.caller),
                at=self.at,
                resolution=f"{letter.state}: {self.reason}",
            )
        return letter

    def _settled(self, letter: Letter, state: LetterState) -> Letter:
        return replace(letter, state=state, settled_by=self.caller.subject, settled_at=self.at)

    async def _audit(self, letter: Letter, action: str, details: dict[str, Any], *, evidence: bytes) -> None:
        stream, actor = letter_stream(letter.letter_id), actor_of(self.caller)
        entry = AuditEntry(stream, actor, action, self.at, self.reason, details, evidence)
        await audit_letter(self.connection, entry, letter.application_id)
