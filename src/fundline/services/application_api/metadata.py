"""Free metadata: any JSON, within a limit, and nothing that a database or another reader would choke on."""

import math
from typing import Any

import orjson

from fundline.platform.texts import has_control

LIMIT_BYTES = 4096
_DEPTH = 5
_SAFE_INTEGER = 2**53 - 1  # RFC 8259, section 6: what every JSON reader agrees on


def checked_metadata(value: dict[str, Any]) -> dict[str, Any]:
    """Raises ValueError with a sentence."""
    _check(value, depth=0)
    if len(orjson.dumps(value)) > LIMIT_BYTES:
        raise ValueError(f"Metadata may have {LIMIT_BYTES} bytes.")
    return value


def _check(value: Any, *, depth: int) -> None:
    if depth > _DEPTH:
        raise ValueError(f"Metadata may be nested {_DEPTH} deep.")
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_scalar(name)
            _check(inner, depth=depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth=depth + 1)
    else:
        _check_scalar(value)


def _check_scalar(value: Any) -> None:
    if isinstance(value, str) and has_control(value, layout=True):
        raise ValueError("Metadata may not contain control characters, but for tabulators and new lines.")
    if isinstance(value, int) and abs(value) > _SAFE_INTEGER:
        raise ValueError("Whole numbers in metadata may have 53 bits; send longer ones as text.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("Numbers in metadata must be finite.")
