"""What `fundline dead-letter` and `fundline case` show to people, in 100 columns."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from fundline.commands.text import WIDTH, fact_lines, fitted, minute, page_lines, times, wrapped

_STATES = {"replay_requested": "replay asked for"}


def show_letters(page: Mapping[str, Any]) -> str:
    """Two lines a letter, newest first."""
    lines = [line for letter in page["items"] for line in _two_lines(letter)]
    return page_lines(lines, page) or "No dead letter fits."


def show_letter(letter: Mapping[str, Any]) -> str:
    facts = {
        "state": _state(letter),
        "moves money": "yes: a replay takes two people" if letter["movesMoney"] else "no",
        "topic": letter["topic"],
        "group": letter["group"],
        "event id": letter["eventId"],
        "application": letter["applicationId"] or f"none ({letter['key'] or 'no key'})",
        "cause": letter["cause"],
        "attempts": letter["attempts"],
        "first failure": letter["firstFailedAt"],
        "last failure": letter["lastFailedAt"],
        "replays": letter["replays"],
        "asked for by": letter["requestedBy"],
        "settled by": letter["settledBy"],
        "settled at": letter["settledAt"],
        "reason": letter["reason"],
        "handled at": letter["handledAt"],
        "payload sha256": letter["payloadSha256"],
    }
    lines = [letter["id"], *fact_lines(facts), "", *_payload(letter["payload"]), *_whole(letter["whole"])]
    if letter["editedPayload"] is not None:
        lines += ["", "A replay sends it corrected:", *_changes(letter["changes"])]
    lines += ["", f"Died {times(len(letter['arrivals']))}:"]
    for death in letter["arrivals"]:
        life = f"after replay {death['replay']}" if death["replay"] else "first life"
        head = f"{minute(death['failedAt'])}  {life}, attempt {death['attempts']}: "
        lines += wrapped(head + death["cause"])
    return "\n".join(lines)


def show_outcome(letter: Mapping[str, Any]) -> str:
    """One sentence on what has become of it."""
    name = f"Dead letter {letter['id']}"
    if letter["state"] == "replayed":
        return f"{name} was sent again to {letter['group']} (replay {letter['replays']})."
    if letter["state"] == "replay_requested":
        return f"{name} moves money: another operator must approve it."
    return f"{name} is open." if letter["state"] == "open" else f"{name} was {letter['state']}."


def show_bulk(total: Mapping[str, Sequence[Any]]) -> str:
    lines = []
    for skipped in total["skipped"]:
        lines += [f"{skipped['id']} was left:", *wrapped(skipped["because"])]
    return "\n".join([*lines, f"Done. {show_progress(total)}"])


def show_progress(total: Mapping[str, Sequence[Any]]) -> str:
    return (
        f"{len(total['replayed'])} replayed, {len(total['requested'])} wait for a second person, "
        f"{len(total['skipped'])} left."
    )


def _two_lines(letter: Mapping[str, Any]) -> Sequence[str]:
    marks = "  moves money" if letter["movesMoney"] else ""
    died = f"tried {times(letter['attempts'])}"
    first = f"{letter['id']}  {_state(letter):<16}  {minute(letter['lastFailedAt'])}  {died}{marks}"
    where = f"{letter['topic']} in {letter['group'] or 'an unknown group'}"
    return first, fitted(f"  {where}: {letter['cause']}")


def _payload(payload: Mapping[str, Any]) -> list[str]:
    if payload["json"] is not None:
        return ["Payload:", *textwrap.indent(json.dumps(payload["json"], indent=2), "  ").splitlines()]
    kind = "text" if payload["text"] is not None else "base64"
    shown = payload[kind] or "(empty)"
    return [f"Payload, {payload['bytes']} bytes, no JSON, as {kind}:", *textwrap.wrap(shown[:2000], WIDTH)]


def _whole(whole: Mapping[str, Any] | None) -> list[str]:
    if whole is None:
        return []
    told = (
        f"That is only its head. The whole payload has {whole['bytes']} bytes (SHA-256 {whole['sha256']}) and is in "
        f"Kafka at {whole['at']} (topic/partition/offset), as long as Kafka keeps it."
    )
    return textwrap.wrap(told, WIDTH, break_on_hyphens=False, break_long_words=False)


def _changes(changes: Mapping[str, Any]) -> list[str]:
    return [
        fitted(f"  {name}: {json.dumps(change.get('from'))} -> {json.dumps(change.get('to'))}")
        for name, change in changes.items()
    ]


def _state(letter: Mapping[str, Any]) -> str:
    state: str = letter["state"]
    return _STATES.get(state, state)
