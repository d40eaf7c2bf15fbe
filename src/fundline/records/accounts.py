"""Payout accounts: an IBAN, or a US routing and account number. Validated here, stored sealed, shown as last four."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator
from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from fundline.platform.shapes import Exact, documented_pattern

_ROUTING_NUMBER = "[0-9]{9}"
_ACCOUNT_NUMBER = "[0-9]{4,17}"
_ABA_WEIGHTS = (3, 7, 1) * 3
_ABA_PREFIXES = frozenset({*range(13), *range(21, 33), *range(61, 73), 80})
"""United States Government, the twelve Federal Reserve districts (banks, thrifts, electronic), traveller's cheques.
Source: American Bankers Association, Routing Number Policy; no other first two digits are assigned."""


class IbanAccount(Exact):
    type: Literal["iban"]
    iban: Annotated[str, Field(min_length=15, max_length=42)]

    @field_validator("iban")
    @classmethod
    def _valid(cls, value: str) -> str:
        try:
            return IBAN(value, validate_bban=True).compact
        except SchwiftyException:
            raise ValueError("This is not a valid IBAN.") from None

    @property
    def last4(self) -> str:
        return self.iban[-4:]

    @property
    def identity(self) -> bytes:
        """The same for each way to write this account; what the blind index is made of. As secret as the number."""
        return f"iban:{self.iban}".encode()


class UsAccount(Exact):
    type: Literal["us"]
    routing_number: Annotated[str, documented_pattern(_ROUTING_NUMBER)]
    account_number: Annotated[str, documented_pattern(_ACCOUNT_NUMBER)]

    @field_validator("routing_number")
    @classmethod
    def _routing(cls, value: str) -> str:
        """A prefix that exists, and the ABA check: 3, 7, 1 weighted digits sum to a multiple of ten.

        Source: ABA Key to Routing Numbers.
        """
        if not re.fullmatch(_ROUTING_NUMBER, value) or value == "000000000":
            raise ValueError("A routing number has nine digits.")
        if int(value[:2]) not in _ABA_PREFIXES:
            raise ValueError(f"No routing number begins with {value[:2]}.")
        if sum(w * int(d) for w, d in zip(_ABA_WEIGHTS, value, strict=True)) % 10:
            raise ValueError("The routing number's check digit is wrong.")
        return value

    @field_validator("account_number")
    @classmethod
    def _account(cls, value: str) -> str:
        if not re.fullmatch(_ACCOUNT_NUMBER, value) or not value.strip("0"):
            raise ValueError("A US account number has 4 to 17 digits, not all of them zero.")
        return value

    @property
    def last4(self) -> str:
        return self.account_number[-4:]

    @property
    def identity(self) -> bytes:
        """As above. Banks fill account numbers up with zeros from the left, or do not."""
        return f"us:{self.routing_number}:{self.account_number.lstrip('0')}".encode()


PayoutAccount = Annotated[IbanAccount | UsAccount, Field(discriminator="type")]
