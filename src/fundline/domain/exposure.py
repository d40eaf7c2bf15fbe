"""Exposure: what is open with us or paid already to one applicant, one business, one payout account.

Amounts of several currencies are never converted. Each counts as its share of the limit of its own currency, and the
shares are added up: half of the dollars' limit and half of the euros' limit are one whole limit. So nobody avoids a
limit by asking in another currency, and no exchange rate of the day decides about anybody (ADR 0045).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from enum import StrEnum

from fundline.domain.repayment import ARITHMETIC

Amounts = Mapping[str, Decimal]
"""Major units by currency."""


class Shared(StrEnum):
    """What two applications may have in common, so that their amounts count together."""

    APPLICANT = "applicant"
    BUSINESS = "business"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Exposure:
    """Other applications than the one at hand, by what they share with it. Nothing in common: no currency.

    `repeats`: how many of them ask for the same amount for the same business and the same account within a day.
    """

    applicant: Amounts = field(default_factory=dict)
    business: Amounts = field(default_factory=dict)
    account: Amounts = field(default_factory=dict)
    repeats: int = 0

    def of(self, shared: Shared) -> Amounts:
        return {
            Shared.APPLICANT: self.applicant,
            Shared.BUSINESS: self.business,
            Shared.ACCOUNT: self.account,
        }[shared]


NOTHING_ELSE = Exposure()
"""No other application has anything in common with this one."""


def together(others: Amounts, amount: Decimal, currency: str) -> Amounts:
    """The others and this one."""
    return {**others, currency: others.get(currency, Decimal(0)) + amount}


def is_above(amounts: Amounts, limits: Amounts) -> bool:
    """Whether the shares of the limits come to more than one whole. A currency without a limit is always above."""
    if any(limits.get(currency, Decimal(0)) <= 0 for currency in amounts):
        return True
    with localcontext(ARITHMETIC):
        return sum((amount / limits[currency] for currency, amount in amounts.items()), Decimal(0)) > 1
