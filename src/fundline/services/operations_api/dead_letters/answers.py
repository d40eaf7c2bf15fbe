"""A dead letter, as it is answered."""

import base64
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import Field

from fundline.platform.paging import Page
from fundline.platform.shapes import Answer, Moment
from fundline.records.dead_letters import LetterState
from fundline.services.operations_api.dead_letters.edit import difference
from fundline.services.operations_api.dead_letters.store import Letter, Whole

LONGEST_SHOWN_BYTES = 64 * 1024
DEEPEST_SHOWN_LEVELS = 100
"""What is nested more deeply is shown as text: a writer of JSON has a limit too, and gives up behind it."""


class DeadLetter(Answer):
    """An event that a consumer group gave up on."""

    id: UUID
    topic: str
    group: str | None
    event_id: UUID | None
    key: str
    application_id: UUID | None
    cause: str
    attempts: Annotated[int, Field(ge=1, description="Of all its lives.")]
    first_failed_at: Moment
    last_failed_at: Moment
    moves_money: bool
    state: LetterState
    replays: Annotated[int, Field(ge=0)]
    requested_by: str | None
    settled_by: str | None
    settled_at: Moment | None
    reason: str | None
    handled_at: Annotated[
        Moment | None, Field(description="When the group has handled it; null: not, or long ago.")
    ]


class DeadLetterPage(Page[DeadLetter]):
    """Newest first. `next_cursor` is the `cursor` of the next page; null on the last."""


class DeadPayload(Answer):
    """`json`, `text` or `base64`, whichever it is; the last two are cut after 64 KiB."""

    bytes: Annotated[int, Field(ge=0)]
    json_: Annotated[Any, Field(alias="json")]
    text: str | None
    base64: str | None


class WholePayload(Answer):
    """Of a payload that was too large to be kept whole: its size, and where Kafka has it, as long as it does."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: str
    at: Annotated[str, Field(description="`topic/partition/offset`.")]


class Death(Answer):
    """One message of the dead-letter topic. `replay`: which replay had failed; 0 for the first life."""

    topic: str
    partition: int
    offset: int
    cause: str
    attempts: int
    replay: int
    failed_at: Moment


class WholeDeadLetter(DeadLetter):
    """With what it carries, what was corrected, and every time it died."""

    payload: DeadPayload
    whole: Annotated[
        WholePayload | None, Field(description="Only when `payload` is the head of one that was too large.")
    ]
    edited_payload: dict[str, Any] | None
    changes: Annotated[dict[str, Any], Field(description="By field: `from` and `to`.")]
    payload_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="Of what a replay sends.")]
    headers: dict[str, str]
    arrivals: list[Death]


class SkippedLetter(Answer):
    id: UUID
    because: str


class BulkReplayed(Answer):
    """`requested` move money and wait for a second person. `next_after` is the `after` of the next batch."""

    replayed: list[UUID]
    requested: list[UUID]
    skipped: list[SkippedLetter]
    next_after: UUID | None


def letter_answer(letter: Letter) -> DeadLetter:
    return DeadLetter(**_fields(letter))


def whole_letter_answer(letter: Letter, arrivals: list[Any]) -> WholeDeadLetter:
    edited = letter.edited_payload
    return WholeDeadLetter(
        **_fields(letter),
        payload=payload_answer(letter.payload),
        whole=_whole(letter.whole),
        edited_payload=None if edited is None else orjson.loads(edited),
        changes={} if edited is None else difference(letter.payload, edited.encode()),
        payload_sha256=letter.sha256_to_send,
        headers=orjson.loads(letter.headers),
        arrivals=[Death.model_validate(dict(row)) for row in arrivals],
    )


def payload_answer(payload: bytes) -> DeadPayload:
    """One of `json`, `text` and `base64` says what it is; the last two only its first 64 KiB."""
    shown = payload[:LONGEST_SHOWN_BYTES]
    if len(shown) == len(payload):
        try:
            value = orjson.loads(payload)
        except orjson.JSONDecodeError:
            pass
        else:
            if _is_shallow(value):
                return DeadPayload(bytes=len(payload), json_=value, text=None, base64=None)
    try:
        return DeadPayload(bytes=len(payload), json_=None, text=shown.decode(), base64=None)
    except UnicodeDecodeError:
        encoded = base64.b64encode(shown).decode()
        return DeadPayload(bytes=len(payload), json_=None, text=None, base64=encoded)


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST_SHOWN_LEVELS):
        level = [
            inner
            for outer in level
            for inner in (
                outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ()
            )
        ]
        if not level:
            return True
    return False


def _fields(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.letter_id,
        "topic": letter.topic,
        "group": letter.group or None,
        "event_id": letter.event_id,
        "key": letter.key,
        "application_id": letter.application_id,
        "cause": letter.cause,
        "attempts": letter.attempts,
        "first_failed_at": letter.first_failed_at,
        "last_failed_at": letter.last_failed_at,
        "moves_money": letter.moves_money,
        "state": letter.state,
        "replays": letter.replays,
        "requested_by": letter.requested_by,
        "settled_by": letter.settled_by,
        "settled_at": letter.settled_at,
        "reason": letter.reason or None,
        "handled_at": letter.handled_at,
    }


def _whole(whole: Whole | None) -> WholePayload | None:
    """Of a payload that was too large: `payload` is only its head."""
    if whole is None:
        return None
    return WholePayload(bytes=whole.size_bytes, sha256=whole.sha256, at=whole.origin)
