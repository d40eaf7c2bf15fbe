"""The event that a replay sends: the same id, key and envelope, to the retry topic of the one group that failed."""

from datetime import datetime

import orjson

from fundline.contracts.envelope import EnvelopeError, parse_envelope
from fundline.contracts.payloads import iso_utc
from fundline.contracts.topics import Topic, every_topic
from fundline.platform.database.outbox import OutboxRow
from fundline.platform.identifiers import uuid_in
from fundline.platform.kafka.messages import (
    NOT_BEFORE,
    OF_A_LIFE,
    ORIGIN,
    REPLAY,
)
from fundline.platform.refusals import Kind, Refusal
from fundline.records.dead_letters import PUBLISHER
from fundline.services.operations_api.dead_letters.store import Letter

_OF_ONE_LIFE = OF_A_LIFE - {ORIGIN}
"""Headers that tell of one life of the event in its group; a replay begins another."""
_TOPICS = {topic.name: topic for topic in every_topic()}


class NotReplayable(Refusal):
    kind = Kind.CONFLICT
    code = "dead-letter-not-replayable"
    title = "The dead letter cannot be sent again"


def topic_of(letter: Letter) -> Topic:
    """Raises NotReplayable when the contracts know the topic no more."""
    if letter.topic not in _TOPICS:
        raise NotReplayable(f"There is no topic {letter.topic} any more; discard the letter.")
    return _TOPICS[letter.topic]


def event_to_replay(letter: Letter, *, not_before: datetime | None = None) -> OutboxRow:
    """Ready for the outbox; `not_before` delays its handling. Raises NotReplayable with what is wrong with it.

    It goes to the group that gave it up; an event that Kafka has refused, and no group has seen, goes to its topic.

    The payload is not held against its schema here: the group may understand today what it did not then.
    """
    topic = topic_of(letter)
    headers: dict[str, str] = orjson.loads(letter.headers)
    try:
        event_id = parse_envelope(headers).event_id
    except EnvelopeError as error:
        raise NotReplayable(
            f"Its envelope cannot be read ({error}), so no group would take it; discard it."
        ) from None
    key = uuid_in(letter.key)
    if key is None:
        raise NotReplayable("Its key is not an application id, so no group would take it; discard it.")
    if letter.group not in {*topic.groups, PUBLISHER}:
        raise NotReplayable(f"It does not say which group of {topic.name} gave it up; discard it.")
    kept = {name: value for name, value in headers.items() if name not in _OF_ONE_LIFE}
    kept[REPLAY] = str(letter.replays + 1)
    if not_before is not None:
        kept[NOT_BEFORE] = iso_utc(not_before)
    destination = topic.name if letter.group == PUBLISHER else topic.retry(letter.group)
    return OutboxRow(event_id, destination, key, _payload_text(letter), orjson.dumps(kept).decode())


def _payload_text(letter: Letter) -> str:
    if letter.whole is not None and letter.edited_payload is None:
        raise NotReplayable(
            f"Only the first {len(letter.payload)} of {letter.whole.size_bytes} bytes of its payload are kept, and no "
            f"group takes one that large. The whole is in Kafka at {letter.whole.origin}, as long as Kafka keeps it; "
            "send a corrected payload, or discard the letter."
        )
    try:
        text = letter.payload_to_send.decode()
    except UnicodeDecodeError:
        text = "\x00"
    if "\x00" in text:
        raise NotReplayable("Its payload is not text; edit it, or discard the letter.")
    return text
