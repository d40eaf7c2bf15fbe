"""Signing webhooks and checking their signatures: HMAC-SHA256 over id, time and body.

Source: Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers". Ours rather than the reference library's
because a header holds several signatures while a secret is being rotated, and because time is passed in.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_S = 300
"""How far a webhook's time may lie from ours: older ones may be replays."""
_PREFIX, _VERSION = "whsec_", "v1"
_SECRET_BYTES = range(24, 65)
_NEW_SECRET_BYTES = 32
_TIME = re.compile(r"[0-9]{1,12}")


class SecretUnusable(ValueError):
    """Not `whsec_` and 24 to 64 bytes in base64."""


class SignatureRefused(Exception):
    """Not signed with any of the secrets, too old, or no webhook at all; the sentence says which."""


def new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(_NEW_SECRET_BYTES)).decode()


def check_secret(key: str) -> None:
    """Raises SecretUnusable."""
    _key_bytes(key)


def signed_headers(keys: Sequence[str], webhook_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers, signed with every secret of `keys`: the present one first, then those being retired.

    Raises SecretUnusable, and ValueError for an id with a dot, which would let two webhooks share a signature.
    """
    if "." in webhook_id:
        raise ValueError(f"a webhook's id has no dot: {webhook_id}")
    timestamp = str(int(at.timestamp()))
    signed = _signed_content(webhook_id, timestamp, body)
    signatures = [f"{_VERSION},{base64.b64encode(_mac(key, signed)).decode()}" for key in keys]
    return {ID: webhook_id, TIMESTAMP: timestamp, SIGNATURE: " ".join(signatures)}


def check_signature(keys: Sequence[str], headers: Mapping[str, str], body: bytes, *, now: datetime) -> str:
    """The webhook's id, which stays the same over its repeats. `headers` has lower-case names.

    Raises SignatureRefused or SecretUnusable. One good signature of any secret is enough; unknown versions are skipped.
    """
    try:
        webhook_id, timestamp, given = headers[ID], headers[TIMESTAMP], headers[SIGNATURE]
    except KeyError as missing:
        raise SignatureRefused(f"The header {missing.args[0]} is missing.") from None
    if not _TIME.fullmatch(timestamp):
        raise SignatureRefused("The webhook's time is not a number of seconds.")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_S:
        raise SignatureRefused(f"The webhook's time is more than {TOLERANCE_S} s from ours.")
    signed = _signed_content(webhook_id, timestamp, body)
    expected = [_mac(key, signed) for key in keys]
    for candidate in _macs_in(given):
        if any(hmac.compare_digest(candidate, mac) for mac in expected):
            return webhook_id
    raise SignatureRefused("No signature of the webhook was made with our secret.")


def _signed_content(webhook_id: str, timestamp: str, body: bytes) -> bytes:
    return b".".join((webhook_id.encode(), timestamp.encode(), body))


def _mac(key: str, content: bytes) -> bytes:
    return hmac.new(_key_bytes(key), content, hashlib.sha256).digest()


def _key_bytes(key: str) -> bytes:
    try:
        raw = base64.b64decode(key.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise SecretUnusable("A webhook secret is whsec_ and base64.") from None
    if not key.startswith(_PREFIX) or len(raw) not in _SECRET_BYTES:
        raise SecretUnusable("A webhook secret is whsec_ and 24 to 64 bytes in base64.")
    return raw


def _macs_in(header: str) -> list[bytes]:
    found = []
    for part in header.split(" "):
        version, _, encoded = part.partition(",")
        if version == _VERSION:
            try:
                found.append(base64.b64decode(encoded, validate=True))
            except (binascii.Error, ValueError):
                continue
    return found
