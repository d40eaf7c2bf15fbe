"""A dead letter as the API shows it."""

import base64
import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from fundline.contracts.payloads import iso_utc
from fundline.services.operations_api.dead_letter_edit import difference
from fundline.services.operations_api.dead_letter_store import Letter, Whole

LONGEST_SHOWN_BYTES = 64 * 1024


def brief_view(letter: Letter) -> dict[str, Any]:
    return {
        "id": str(letter.letter_id),
        "topic": letter.topic,
        "group": letter.group or None,
        "eventId": _text(letter.event_id),
        "key": letter.key,
        "applicationId": _text(letter.application_id),
        "cause": letter.cause,
        "attempts": letter.attempts,
        "firstFailedAt": iso_utc(letter.first_failed_at),
        "lastFailedAt": iso_utc(letter.last_failed_at),
        "movesMoney": letter.moves_money,
        "state": letter.state.value,
        "replays": letter.replays,
        "requestedBy": letter.requested_by,
        "settledBy": letter.settled_by,
        "settledAt": _moment(letter.settled_at),
        "reason": letter.reason or None,
        "handledAt": _moment(letter.handled_at),
    }


def full_view(letter: Letter, arrivals: list[Any]) -> dict[str, Any]:
    edited = letter.edited_payload
    return {
        **brief_view(letter),
        "payload": payload_view(letter.payload),
        "whole": _whole_view(letter.whole),
        "editedPayload": None if edited is None else orjson.loads(edited),
        "changes": {} if edited is None else difference(letter.payload, edited.encode()),
        "payloadSha256": payload_sha256(letter),
        "headers": orjson.loads(letter.headers),
        "arrivals": [
            {
                "topic": row["topic"],
                "partition": row["partition"],
                "offset": row["offset"],
                "cause": row["cause"],
                "attempts": row["attempts"],
                "replay": row["replay"],
                "failedAt": iso_utc(row["failed_at"]),
            }
            for row in arrivals
        ],
    }


def payload_view(payload: bytes) -> dict[str, Any]:
    """One of `json`, `text` and `base64` says what it is; the last two only its first 64 KiB."""
    shown = payload[:LONGEST_SHOWN_BYTES]
    view: dict[str, Any] = {"bytes": len(payload), "json": None, "text": None, "base64": None}
    if len(shown) == len(payload):
        try:
            return {**view, "json": orjson.loads(payload)}
        except orjson.JSONDecodeError:
            pass
    try:
        return {**view, "text": shown.decode()}
    except UnicodeDecodeError:
        return {**view, "base64": base64.b64encode(shown).decode()}


def _whole_view(whole: Whole | None) -> dict[str, Any] | None:
    """Of a payload that was too large: `payload` is only its head."""
    return None if whole is None else {"bytes": whole.size_bytes, "sha256": whole.sha256, "at": whole.origin}


def payload_sha256(letter: Letter) -> str:
    """Of what a replay would send."""
    return hashlib.sha256(letter.payload_to_send).hexdigest()


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _moment(value: datetime | None) -> str | None:
    return None if value is None else iso_utc(value)
