"""Small secrets at rest: AES-256-GCM, bound to the row they belong to.

Sealed form: version (1 byte, 0x01), key id (4 bytes), nonce (12 bytes), ciphertext with its tag (length of
the plaintext + 16 bytes). The key id says which key opens a row, so that keys can be rotated without touching
every row at once. Source: NIST SP 800-38D; the nonce is random, which is safe for 2**32 secrets a key.
"""

import hmac
import os
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fundline.platform.key_ring import KEY_ID_BYTES, PURPOSE, KeyFileUnusable, read_key_ring
from fundline.platform.telemetry.logs import get_log

_DIGEST_PURPOSE = b"fundline.secret-digest"
_VERSION = b"\x01"
_NONCE_BYTES, _TAG_BYTES = 12, 16
HEADER_BYTES = len(_VERSION) + KEY_ID_BYTES
PLAINTEXT_LIMIT_BYTES = 4096
INDEX_BYTES = 16
"""Half of an HMAC-SHA256, which RFC 2104 allows; 128 bits are far from any collision."""


class SealBroken(Exception):
    """Not sealed by a key of ours, for another row, or changed since: the secret cannot be opened."""


class SecretBox:
    """Seals with the newest key of one file and opens with all. Holds the keys in memory and never shows them.

    The file may be replaced while the process runs: a look at its date before each seal, and before a key is called
    unknown, is enough to have it read again. One that cannot be read then leaves the keys as they are.
    """

    def __init__(self, key_file: Path) -> None:
        """Raises KeyFileUnusable."""
        self._key_file = key_file
        self._seen = _signature(key_file)
        self._load()

    def seal(self, plaintext: bytes, bound_to: UUID) -> bytes:
        """The sealed form; another one each time. Raises ValueError above 4096 bytes."""
        if len(plaintext) > PLAINTEXT_LIMIT_BYTES:
            raise ValueError(f"a secret may have {PLAINTEXT_LIMIT_BYTES} bytes, not {len(plaintext)}")
        self._refresh()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self.header].encrypt(nonce, plaintext, _bound(self.header, bound_to))
        return self.header + nonce + sealed

    def open(self, sealed: bytes, bound_to: UUID) -> bytes:
        """The plaintext. Raises SealBroken; its text never holds a part of the secret."""
        if len(sealed) < HEADER_BYTES + _NONCE_BYTES + _TAG_BYTES:
            raise SealBroken("the sealed secret is too short to be one")
        header = sealed[:HEADER_BYTES]
        if header not in self._ciphers:
            self._refresh()
        cipher = self._ciphers.get(header)
        if cipher is None:
            raise SealBroken("the secret was sealed with another key than this process has")
        nonce, ciphertext = sealed[HEADER_BYTES:][:_NONCE_BYTES], sealed[HEADER_BYTES + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, ciphertext, _bound(header, bound_to))
        except InvalidTag:
            raise SealBroken("the secret belongs to another row or was changed") from None

    def blind_index(self, identity: bytes) -> bytes:
        """The same 16 bytes for the same identity; without the key nobody can tell for which."""
        return hmac.digest(self._index_secret, identity, "sha256")[:INDEX_BYTES]

    def digest(self, plaintext: bytes, bound_to: UUID) -> bytes:
        """32 bytes, the same for the same secret of the same row also after a change of keys; tell nothing without."""
        return hmac.digest(self._digest_key, bound_to.bytes + plaintext, "sha256")

    def _refresh(self) -> None:
        """Nothing but a look at the file's date when it was not replaced."""
        try:
            found = _signature(self._key_file)
            if found != self._seen:
                self._seen = found
                self._load()
        except KeyFileUnusable as error:
            get_log().error("keys.not_reloaded", cause=str(error))

    def _load(self) -> None:
        ring = read_key_ring(self._key_file)
        self._ciphers = {header_of(key.key_id): AESGCM(key.secret) for key in ring.keys}
        self._index_secret = ring.index_secret
        self._digest_key = hmac.digest(ring.index_secret, _DIGEST_PURPOSE, "sha256")
        self.header = header_of(ring.newest.key_id)
        """How every secret begins that is sealed from now on."""


def header_of(key_id: bytes) -> bytes:
    """How every secret begins that this key has sealed."""
    return _VERSION + key_id


def _bound(header: bytes, bound_to: UUID) -> bytes:
    return PURPOSE + header + bound_to.bytes


def _signature(key_file: Path) -> tuple[int, int, int]:
    try:
        status = key_file.stat()
    except OSError as error:
        raise KeyFileUnusable(f"the key file {key_file} cannot be read: {error.strerror}") from error
    return status.st_mtime_ns, status.st_ino, status.st_size
