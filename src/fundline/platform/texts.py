"""One type for all that people write: `Annotated[str, Line(1, 200)]`.

One line, composed (NFC), single spaces. What cannot be seen is refused: control characters, characters that turn the
direction of the text, private ones. Joiners stay where they join two visible characters, because Persian, Sinhala and
emoji are written with them; elsewhere they are left out. A length is that of the text as it is stored.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_JOINERS = "\u200c\u200d"
_REFUSED = {"Cc", "Cf", "Co", "Cs"}
_SEEN = {"L", "N", "P", "S"}
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols by their category that show nothing."""
_JOINED = {"L", "M", "N", "S"}
_JOINER = re.compile(f"[{_JOINERS}]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_BUT_LAYOUT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def line_of(value: str) -> str:
    """The text as it is stored; empty when there is nothing to see. Raises ValueError."""
    text = value
    if not text.isascii() or not text.isprintable():
        if any(unicodedata.category(c) in _REFUSED and c not in _JOINERS for c in text):
            raise ValueError("Control characters are not allowed.")
        text = _JOINER.sub(_kept_joiner, unicodedata.normalize("NFC", text))
    return " ".join(text.split())


def is_seen(text: str) -> bool:
    """At least one character of it can be seen."""
    return any(unicodedata.category(c)[0] in _SEEN and c not in _BLANKS for c in text)


def has_control(text: str, *, layout: bool = False) -> bool:
    """Control characters, or half of a surrogate pair; `layout`: tabulators and new lines are allowed."""
    return (_CONTROL_BUT_LAYOUT if layout else _CONTROL).search(text) is not None


def _kept_joiner(found: re.Match[str]) -> str:
    """One joiner between two characters that it can join, else nothing."""
    text, begin, end = found.string, found.start(), found.end()
    if begin == 0 or end == len(text):
        return ""
    sides = (text[begin - 1], text[end])
    return found[0][0] if all(unicodedata.category(side)[0] in _JOINED for side in sides) else ""


@dataclass(frozen=True, slots=True)
class Line:
    """Of `least` to `most` characters. With `least` 0 it may be empty."""

    least: int = 1
    most: int = 200

    def read(self, value: str) -> str:
        """Raises ValueError."""
        text = line_of(value)
        if self.least and not is_seen(text):
            raise ValueError("This must not be blank.")
        if len(text) < self.least:
            raise PydanticCustomError("string_too_short", "This text is too short.")
        if len(text) > self.most:
            raise PydanticCustomError("string_too_long", "This text is too long.")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core), "minLength": self.least, "maxLength": self.most}
