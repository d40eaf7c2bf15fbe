"""Tracking ids: short enough to read out over the telephone, with a check character against mishearing.

`FL-XXXX-XXXX-XXXXC`: 60 random bits in Crockford's base 32 (no I, L, O, U) and a check character.
"""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SYMBOLS = 12
_PREFIX = "FL"
_KNOWN = frozenset(ALPHABET)
_SEPARATORS = str.maketrans({"-": None})
_LOOKALIKES = str.maketrans("OIL", "011")


def tracking_id(random_bits: int) -> str:
    """`random_bits`: 60 of them. The last character is the sum of the others, weighted by place, modulo 31."""
    symbols = [ALPHABET[(random_bits >> (5 * place)) & 31] for place in range(_SYMBOLS)]
    return _written([*symbols, check_symbol(symbols)])


def check_symbol(symbols: list[str]) -> str:
    """Weighted sum modulo 31: catches swapped neighbours and single wrong characters (but 0 for Z)."""
    return ALPHABET[sum(place * ALPHABET.index(symbol) for place, symbol in enumerate(symbols, start=1)) % 31]


class TrackingIdMistyped(ValueError):
    """It looks like a tracking id, and its check character says that one of the others is wrong."""


def tracking_id_in(text: str) -> str | None:
    """As it is stored, of an id as people write it: any case, hyphens and blanks or none, O for 0, I and L for 1.

    None: the text is not a tracking id. Raises TrackingIdMistyped.
    """
    written = "".join(text.upper().translate(_SEPARATORS).split())
    symbols = list(written.removeprefix(_PREFIX).translate(_LOOKALIKES))
    if not written.startswith(_PREFIX) or len(symbols) != _SYMBOLS + 1 or not set(symbols) <= _KNOWN:
        return None
    *body, check = symbols
    if check_symbol(body) != check:
        raise TrackingIdMistyped(f"{text} has a typing error: its last character does not fit the others.")
    return _written(symbols)


def _written(symbols: list[str]) -> str:
    text = "".join(symbols)
    return f"{_PREFIX}-{text[:4]}-{text[4:8]}-{text[8:]}"
