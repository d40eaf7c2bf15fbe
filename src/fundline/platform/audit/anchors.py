"""Anchors: signed lines in a file outside the database, each saying how far the chains of some streams had come.

One line is one anchor, JSON, and names the hash of the line before: neither a chain in the database nor the file
can be rewritten without the signing key. The signature covers the line without its last field. The signing key is
Ed25519 (RFC 8032), kept as a JWK or, when keys have changed, as a set of them: the first signs, all verify.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from fundline.contracts.payloads import iso_utc

BEFORE_THE_FIRST_LINE = bytes(32)
_SIGNATURE_FIELD = b',"signature":"'
_END = b'"}'


class AuditKeyUnusable(Exception):
    """The key file is missing or holds no Ed25519 key; nothing can be signed or verified."""


class BadAnchor(ValueError):
    """A line of the anchor file is not an anchor of ours. The text says why."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a stream at some moment."""

    stream: str
    sequence: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    """`previous` is the SHA-256 of the line before, 32 zero bytes before the first."""

    number: int
    at: str
    previous: bytes
    heads: tuple[Head, ...]
    key_id: str


class AnchorKeys:
    """The keys of one file."""

    def __init__(self, key_file: Path) -> None:
        """Raises AuditKeyUnusable."""
        keys = _read(key_file)
        self._public = {str(key.get("kid", "")): _public_key(key, key_file) for key in keys}
        self.signing_id = str(keys[0].get("kid", ""))
        private = keys[0].get("d")
        self._private = (
            None if private is None else Ed25519PrivateKey.from_private_bytes(_decoded(private, key_file))
        )

    def sign(self, content: bytes) -> bytes:
        """Raises AuditKeyUnusable: the file holds public keys only."""
        if self._private is None:
            raise AuditKeyUnusable("The audit key file holds public keys only: it can verify, not sign.")
        return self._private.sign(content)

    def is_signed(self, content: bytes, signature: bytes, key_id: str) -> bool:
        key = self._public.get(key_id)
        if key is None:
            return False
        try:
            key.verify(signature, content)
        except InvalidSignature:
            return False
        return True


def anchor_line(number: int, at: datetime, previous: bytes, heads: Sequence[Head], keys: AnchorKeys) -> bytes:
    """One line with its end."""
    content = orjson.dumps(
        {
            "number": number,
            "at": iso_utc(at),
            "previous": previous.hex(),
            "heads": [[head.stream, head.sequence, head.hash.hex()] for head in heads],
            "key": keys.signing_id,
        }
    )
    signature = base64.urlsafe_b64encode(keys.sign(content))
    return content[:-1] + _SIGNATURE_FIELD + signature + _END + b"\n"


def read_anchor(line: bytes) -> tuple[Anchor, bytes, bytes]:
    """The anchor, what was signed, and the signature; `line` is without its end. Raises BadAnchor."""
    before, field, rest = line.rpartition(_SIGNATURE_FIELD)
    if not field or not rest.endswith(_END):
        raise BadAnchor("it has no signature")
    content = before + b"}"
    try:
        value = orjson.loads(content)
        heads = tuple(
            Head(stream, sequence, bytes.fromhex(hash_)) for stream, sequence, hash_ in value["heads"]
        )
        anchor = Anchor(
            int(value["number"]), str(value["at"]), bytes.fromhex(value["previous"]), heads, str(value["key"])
        )
        return anchor, content, base64.urlsafe_b64decode(rest[: -len(_END)])
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise BadAnchor("it is not of our form") from error


def line_hash(line: bytes) -> bytes:
    """`line` is without its end."""
    return hashlib.sha256(line).digest()


def _read(key_file: Path) -> list[Mapping[str, Any]]:
    try:
        value = orjson.loads(key_file.read_bytes())
    except OSError as error:
        raise AuditKeyUnusable(f"The audit key file {key_file} cannot be read: {error.strerror}.") from error
    except orjson.JSONDecodeError:
        raise AuditKeyUnusable(f"The audit key file {key_file} is not JSON.") from None
    keys = value.get("keys", [value]) if isinstance(value, dict) else []
    if (
        not isinstance(keys, list)
        or not keys
        or not all(isinstance(key, dict) and key.get("crv") == "Ed25519" for key in keys)
    ):
        raise AuditKeyUnusable(f"The audit key file {key_file} holds no Ed25519 key.")
    return list(keys)


def _public_key(key: Mapping[str, Any], key_file: Path) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(_decoded(key.get("x"), key_file))


def _decoded(text: object, key_file: Path) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(f"{text}==")
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != 32:  # noqa: PLR2004 - the length of Ed25519 keys, RFC 8032
        raise AuditKeyUnusable(f"The audit key file {key_file} holds no Ed25519 key.")
    return raw
