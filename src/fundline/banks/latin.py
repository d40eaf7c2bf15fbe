"""Names as payment systems take them: the basic Latin letters that every bank of SEPA and SWIFT must read.

Source: EPC217-08, SEPA requirements for an extended character set: letters without their marks, the rest a full stop.
"""

import unicodedata

_ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-?:().,'+ ")
_SPELLED = str.maketrans(
    {
        "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
        "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ı": "i", "&": "+", "’": "'", "`": "'",
        "–": "-", "—": "-", "_": "-",
    }
)  # fmt: skip
"""Letters that are not another one with a mark, and signs that have a likeness among those allowed."""


def basic_latin(text: str, most: int) -> str:
    """At most so many characters, none of another script, no two spaces; a full stop for what has no letter."""
    plain = unicodedata.normalize("NFKD", text.translate(_SPELLED)).translate(_SPELLED)
    letters = (c for c in plain if not unicodedata.combining(c))
    return " ".join("".join(c if c in _ALLOWED else "." for c in letters).split())[:most].strip() or "."
