"""How a cached value is named, and how it carries its version. What is cached, its owner says."""

from dataclasses import dataclass

VERSION_BYTES = 10
"""A versioned value begins with its sequence in ten decimal digits: a script reads it without reading the value."""
SEQUENCE_LIMIT = 10**VERSION_BYTES


@dataclass(frozen=True, slots=True)
class CachedKind:
    """One kind of cached value. Keys are `<name>:<id>`."""

    name: str

    def key(self, identity: object) -> str:
        return f"{self.name}:{identity}"


def versioned(sequence: int, value: bytes) -> bytes:
    """Raises ValueError for a sequence that is negative or has more than ten digits."""
    if not 0 <= sequence < SEQUENCE_LIMIT:
        raise ValueError(f"a sequence has 1 to {VERSION_BYTES} digits, not {sequence}")
    return b"%010d%b" % (sequence, value)


def without_version(stored: bytes) -> bytes:
    return stored[VERSION_BYTES:]


def version_of(stored: bytes) -> int | None:
    """The sequence that a value carries; None when it is not ours."""
    digits = stored[:VERSION_BYTES]
    return int(digits) if len(digits) == VERSION_BYTES and digits.isdigit() else None
