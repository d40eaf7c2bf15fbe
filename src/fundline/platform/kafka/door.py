"""The door: a Kafka message becomes a Delivery, whatever its bytes are, and whatever is wrong with it is said once.

Behind the door nothing is larger, longer or stranger than this file allows, so handling it, and above all handling
its failure, cannot fail on what a stranger wrote. A `flaw` makes the message poison (`messages.read_event`).
"""

import gc
import hashlib

from confluent_kafka import Message

from fundline.contracts.moments import moment_in
from fundline.platform.kafka.messages import (
    ATTEMPT,
    FIRST_FAILURE,
    NOT_BEFORE,
    OF_A_LIFE,
    REPLAY,
    Cut,
    Delivery,
    count_in,
)

LONGEST_KEY = 200
MOST_HEADERS = 64
LONGEST_NAME = 128
LONGEST_HEADER = 4096
LARGEST_HEADERS = 16_384
"""Bytes of all headers together, without those of our retries, so that none of them makes an event too large. All
headers and the key fit into `settings.ENVELOPE_BYTES`."""
LONGEST_OF_OURS = 600
_TOO_MANY = f"bad headers: more than {MOST_HEADERS}, or more than {LARGEST_HEADERS} bytes of them"
HEAD_BYTES = 65_536
"""How much is kept of a payload that is too large."""
_COUNTS = (ATTEMPT, REPLAY)
_MOMENTS = (NOT_BEFORE, FIRST_FAILURE)


def delivery_of(message: Message, *, max_bytes: int, epoch: int = 0) -> Delivery:
    """`max_bytes`: a larger payload is cut to its head. Never raises."""
    headers, flaw = _headers_of(message)
    key, flaw_of_key = _text(message.key(), LONGEST_KEY)
    value, cut = _value_of(message.value() or b"", max_bytes)
    if flaw_of_key:
        flaw = f"bad key: it {flaw_of_key}"
    if cut is not None:
        flaw = f"too large: {cut.size_bytes} bytes, and no event has more than {max_bytes}"
    return Delivery(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        key=key,
        value=value,
        headers=headers,
        epoch=epoch,
        flaw=flaw,
        cut=cut,
    )


def _value_of(value: bytes, max_bytes: int) -> tuple[bytes, Cut | None]:
    if len(value) <= max_bytes:
        return value, None
    return value[:HEAD_BYTES], Cut(len(value), hashlib.sha256(value).hexdigest())


def _headers_of(message: Message) -> tuple[dict[str, str], str]:
    """What of them can be read and fits, and the first thing that is wrong with them."""
    # For a name that is not UTF-8 the driver returns a pair with a hole, and leaves an error behind that the next call
    # of the interpreter raises, or none does. Whoever takes such a pair apart dies of SIGSEGV; the garbage collector's
    # view leaves holes out. Held by tests/integration/dead_letters/test_too_large.py.
    try:
        pairs = message.headers() or []
        is_whole = len(gc.get_referents(*pairs)) == 2 * len(pairs)
    except (SystemError, UnicodeDecodeError):
        is_whole = False
    if not is_whole:
        return {}, "bad headers: their names are not UTF-8"
    found = [(str(name), value) for name, value in list(pairs)]
    headers: dict[str, str] = {}
    flaw, strangers, room = "", MOST_HEADERS, LARGEST_HEADERS
    for full_name, raw in found:
        name = full_name[:LONGEST_NAME]
        value, trouble = _text(raw, LONGEST_OF_OURS if name in OF_A_LIFE else LONGEST_HEADER)
        if raw is None:
            trouble = "has no value"
        if name != full_name:
            trouble = "has a name that is too long"
        if name in headers:
            trouble = "is there twice"
        flaw = flaw or _sentence(name, trouble or _trouble_with_ours(name, value))
        if name not in OF_A_LIFE:  # ours come last and are always read: who gave it up, and why
            strangers, room = strangers - 1, room - len(name.encode()) - len(value.encode())
            if strangers < 0 or room < 0:
                flaw = _TOO_MANY
                continue
        headers.setdefault(name, value)
    return headers, flaw


def _sentence(name: str, trouble: str) -> str:
    return f"bad headers: {name} {trouble}" if trouble else ""


def _trouble_with_ours(name: str, value: str) -> str:
    """Only our own consumers write these; one that says nonsense was written by somebody else."""
    if name in _COUNTS and count_in(value) is None:
        return f"is not a count: {value[:40]!r}"
    if name in _MOMENTS and moment_in(value) is None:
        return f"is not a time of ours: {value[:40]!r}"
    return ""


def _text(raw: bytes | str | None, longest: int) -> tuple[str, str]:
    """Text that any column and any header takes, and what was wrong with it."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw or ""
    trouble = ""
    if isinstance(raw, bytes) and "\N{REPLACEMENT CHARACTER}" in text and text.encode() != raw:
        trouble = "is not UTF-8"
    if "\x00" in text:
        text, trouble = text.replace("\x00", "\N{REPLACEMENT CHARACTER}"), "has the character NUL"
    if len(text) > longest:
        text, trouble = text[:longest], f"is longer than {longest} characters"
    return text, trouble
