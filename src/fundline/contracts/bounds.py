"""What no payload of ours holds, whatever its schema allows: text that a database refuses, numbers that overflow,
times that arithmetic overflows on. Whoever reads an event asks here once, so that nobody behind the door has to.
"""

import math
from datetime import datetime
from typing import Any

from fundline.contracts.moments import is_plausible
from fundline.contracts.payloads import Payload

LONGEST_FIELD = 4000
"""Characters of a text that is a field of its own; within `metadata` only the size of the event is a limit."""
LARGEST_NUMBER = 2**63 - 1
"""What PostgreSQL's bigint, Lua and our JSON writer take."""
DEEPEST = 32


def flaw_in(payload: Payload) -> str:
    """Which field is out of bounds, and why; empty when none is. Never raises."""
    for name, value in payload:
        flaw = _flaw(value, DEEPEST)
        if not flaw and isinstance(value, str) and len(value) > LONGEST_FIELD:
            flaw = f"longer than {LONGEST_FIELD} characters"
        if flaw:
            return f"{name}: {flaw}"
    return ""


def _flaw(value: Any, deeper: int) -> str:
    match value:
        case str():
            flaw = _flaw_of_text(value)
        case datetime():
            flaw = "" if is_plausible(value) else "no time with a zone between the years 2000 and 2100"
        case int():
            flaw = "" if abs(value) <= LARGEST_NUMBER else "a number that is too large"
        case float():
            flaw = "" if math.isfinite(value) else "a number that is not finite"
        case dict() | list() if deeper == 0:
            flaw = f"nested deeper than {DEEPEST} levels"
        case dict():
            flaw = _first_flaw([*value, *value.values()], deeper - 1)
        case list():
            flaw = _first_flaw(value, deeper - 1)
        case _:
            flaw = ""
    return flaw


def _first_flaw(parts: list[Any], deeper: int) -> str:
    return next((flaw for part in parts if (flaw := _flaw(part, deeper))), "")


def _flaw_of_text(text: str) -> str:
    if "\x00" in text:
        return "the character NUL"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "half of a character (a lone surrogate)"
    return ""
