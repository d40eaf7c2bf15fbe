"""Tracking ids: short enough to read out over the telephone, with a check character against mishearing.

`FL-XXXX-XXXX-XXXXC`: 60 random bits in Crockford's base 32 (no I, L, O, U) and a check character.
"""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SYMBOLS = 12


def tracking_id(random_bits: int) -> str:
    """`random_bits`: 60 of them. The last character is the sum of the others, weighted by place, modulo 31."""
    symbols = [ALPHABET[(random_bits >> (5 * place)) & 31] for place in range(_SYMBOLS)]
    text = "".join(symbols) + check_symbol(symbols)
    return f"FL-{text[:4]}-{text[4:8]}-{text[8:]}"


def check_symbol(symbols: list[str]) -> str:
    """Weighted sum modulo 31: catches swapped neighbours and single wrong characters (but 0 for Z)."""
    return ALPHABET[sum(place * ALPHABET.index(symbol) for place, symbol in enumerate(symbols, start=1)) % 31]
