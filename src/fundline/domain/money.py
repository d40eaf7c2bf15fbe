"""Money: integer minor units and a currency, never a float."""

import re
from dataclasses import dataclass
from decimal import Decimal

MINOR_UNITS: dict[str, int] = {"USD": 2, "EUR": 2, "GBP": 2, "JPY": 0}
"""Decimals of each currency we lend in. Source: ISO 4217."""

_PLAIN_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,14})(\.([0-9]{1,6}))?")


class MoneyError(ValueError):
    """An amount or a currency that we refuse; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Money:
    amount_minor: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str) -> "Money":
        """`"1200.50", "USD"` -> 120050 USD. Raises MoneyError; no sign, exponent, blank or separator."""
        exponent = minor_units(currency)
        match = _PLAIN_DECIMAL.fullmatch(text)
        if match is None:
            raise MoneyError(f'An amount is a plain decimal string such as "1200.50", not {text[:40]!r}.')
        decimals = match.group(3) or ""
        if len(decimals) > exponent:
            raise MoneyError(f"{currency} has {exponent} decimals; {text} has {len(decimals)}.")
        return cls(int(match.group(1) + decimals.ljust(exponent, "0")), currency)

    def text(self) -> str:
        """The wire form: always with all decimals of the currency."""
        exponent = minor_units(self.currency)
        sign, digits = (
            ("-" if self.amount_minor < 0 else ""),
            str(abs(self.amount_minor)).rjust(exponent + 1, "0"),
        )
        return sign + digits if exponent == 0 else f"{sign}{digits[:-exponent]}.{digits[-exponent:]}"

    def decimal(self) -> Decimal:
        """In major units, exact."""
        return Decimal(self.amount_minor).scaleb(-minor_units(self.currency))


def minor_units(currency: str) -> int:
    try:
        return MINOR_UNITS[currency]
    except KeyError:
        known = ", ".join(MINOR_UNITS)
        raise MoneyError(f"Fundline lends in {known}, not in {currency[:10]!r}.") from None
