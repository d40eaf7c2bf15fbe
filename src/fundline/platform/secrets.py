"""Small secrets at rest, such as a payout account: AES-256-GCM, bound to the row they belong to.

Sealed form: version (1 byte, 0x01), key id (4 bytes), nonce (12 bytes), ciphertext with its tag (length of
the plaintext + 16 bytes). The key id says which key opens a row, so that keys can be rotated without touching
every row at once. Source: NIST SP 800-38D; the nonce is random, which is safe for 2**32 secrets a key.
"""

import base64
import binascii
import hashlib
import hmac
import os
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_KEY_BYTES, _KEY_ID_BYTES, _NONCE_BYTES, _TAG_BYTES = 32, 4, 12, 16
_HEADER_BYTES = len(_VERSION) + _KEY_ID_BYTES
_PURPOSE = b"fundline.sealed-secret"
_DIGEST_PURPOSE = b"fundline.secret-digest"
PLAINTEXT_LIMIT_BYTES = 4096


class KeyFileUnusable(Exception):
    """The key file is missing or does not hold 32 bytes in base64; the process must not start without it."""


class SealBroken(Exception):
    """Not sealed by this key, for another row, or changed since: the secret cannot be opened."""


class SecretBox:
    """Seals and opens with the key of one file. Holds the key in memory and never shows it."""

    def __init__(self, key_file: Path) -> None:
        key = _read_key(key_file)
        self._cipher = AESGCM(key)
        self._digest_key = hmac.digest(key, _DIGEST_PURPOSE, "sha256")
        self._header = _VERSION + hashlib.sha256(_PURPOSE + key).digest()[:_KEY_ID_BYTES]

    def seal(self, plaintext: bytes, bound_to: UUID) -> bytes:
        """The sealed form; another one each time. Raises ValueError above 4096 bytes."""
        if len(plaintext) > PLAINTEXT_LIMIT_BYTES:
            raise ValueError(f"a secret may have {PLAINTEXT_LIMIT_BYTES} bytes, not {len(plaintext)}")
        nonce = os.urandom(_NONCE_BYTES)
        return self._header + nonce + self._cipher.encrypt(nonce, plaintext, self._bound(bound_to))

    def open(self, sealed: bytes, bound_to: UUID) -> bytes:
        """The plaintext. Raises SealBroken; its text never holds a part of the secret."""
        if len(sealed) < _HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES:
            raise SealBroken("the sealed secret is too short to be one")
        if sealed[:_HEADER_BYTES] != self._header:
            raise SealBroken("the secret was sealed with another key than this process has")
        nonce, ciphertext = sealed[_HEADER_BYTES:][:_NONCE_BYTES], sealed[_HEADER_BYTES + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, self._bound(bound_to))
        except InvalidTag:
            raise SealBroken("the secret belongs to another row or was changed") from None

    def digest(self, plaintext: bytes, bound_to: UUID) -> bytes:
        """32 bytes that are the same for the same secret of the same row, and tell nothing without the key."""
        return hmac.digest(self._digest_key, bound_to.bytes + plaintext, "sha256")

    def _bound(self, bound_to: UUID) -> bytes:
        return _PURPOSE + self._header + bound_to.bytes


def _read_key(key_file: Path) -> bytes:
    try:
        key = base64.b64decode(key_file.read_bytes().strip(), validate=True)
    except OSError as error:
        raise KeyFileUnusable(f"the key file {key_file} cannot be read: {error.strerror}") from error
    except binascii.Error:
        raise KeyFileUnusable(f"the key file {key_file} is not base64") from None
    if len(key) != _KEY_BYTES:
        raise KeyFileUnusable(f"the key file {key_file} holds {len(key)} bytes; a key has {_KEY_BYTES}")
    return key
