"""The file of sealing keys: one key in base64, or several as JSON once keys have been changed.

The newest key seals, all of them open. Apart from them stands the secret of the blind index, which stays when keys
change: it is derived from the first key by HKDF-SHA256 (RFC 5869) under a purpose of its own, so that neither tells
anything about the other.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import orjson
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fundline.contracts.payloads import iso_utc

KEY_BYTES, KEY_ID_BYTES = 32, 4
PURPOSE = b"fundline.sealed-secret"
_INDEX_PURPOSE = b"fundline.account-index"


class KeyFileUnusable(Exception):
    """The key file is missing or does not hold keys of 32 bytes in base64; the process must not start without it."""


@dataclass(frozen=True, slots=True)
class SealingKey:
    """`added_at` None: a key of the single form, whose age is not known."""

    secret: bytes = field(repr=False)
    added_at: datetime | None = None

    @property
    def key_id(self) -> bytes:
        """In every secret that it has sealed; says nothing about the key."""
        return hashlib.sha256(PURPOSE + self.secret).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Oldest key first, at least one."""

    keys: tuple[SealingKey, ...]
    index_secret: bytes = field(repr=False)

    @property
    def newest(self) -> SealingKey:
        return self.keys[-1]

    def find(self, key_id: bytes) -> SealingKey | None:
        return next((key for key in self.keys if key.key_id == key_id), None)

    def with_key(self, key: SealingKey) -> Self:
        """Raises ValueError: a key with this id is there."""
        if self.find(key.key_id) is not None:
            raise ValueError(f"a key with the id {key.key_id.hex()} is there already")
        return replace(self, keys=(*self.keys, key))

    def without(self, key_id: bytes) -> Self:
        """The newest key cannot go: it seals."""
        if key_id == self.newest.key_id:
            raise ValueError("the newest key seals and cannot go")
        return replace(self, keys=tuple(key for key in self.keys if key.key_id != key_id))

    def content(self) -> bytes:
        """As the file holds it."""
        keys = [
            {
                "id": key.key_id.hex(),
                "key": base64.b64encode(key.secret).decode(),
                "addedAt": None if key.added_at is None else iso_utc(key.added_at),
            }
            for key in self.keys
        ]
        index = base64.b64encode(self.index_secret).decode()
        return orjson.dumps({"keys": keys, "index": index}, option=orjson.OPT_INDENT_2) + b"\n"


def read_key_ring(key_file: Path) -> KeyRing:
    """Raises KeyFileUnusable; its text never holds a part of a key."""
    try:
        content = key_file.read_bytes().strip()
    except OSError as error:
        raise KeyFileUnusable(f"the key file {key_file} cannot be read: {error.strerror}") from error
    if not content.startswith(b"{"):
        secret = _secret(content, key_file)
        return KeyRing((SealingKey(secret),), _index_secret(secret))
    try:
        value = orjson.loads(content)
        keys = tuple(_key(entry, key_file) for entry in value["keys"])
        index_secret = _secret(value["index"], key_file)
    except (ValueError, KeyError, TypeError) as error:
        raise KeyFileUnusable(f"the key file {key_file} is not of our form") from error
    if not keys:
        raise KeyFileUnusable(f"the key file {key_file} holds no key")
    return KeyRing(keys, index_secret)


def _key(entry: dict[str, Any], key_file: Path) -> SealingKey:
    added_at = entry["addedAt"]
    return SealingKey(
        _secret(entry["key"], key_file), None if added_at is None else datetime.fromisoformat(added_at)
    )


def _secret(text: str | bytes, key_file: Path) -> bytes:
    try:
        secret = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise KeyFileUnusable(f"the key file {key_file} is not base64") from None
    if len(secret) != KEY_BYTES:
        raise KeyFileUnusable(f"the key file {key_file} holds {len(secret)} bytes; a key has {KEY_BYTES}")
    return secret


def _index_secret(secret: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=_INDEX_PURPOSE).derive(secret)
