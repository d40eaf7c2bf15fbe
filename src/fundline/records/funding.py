"""What a lender has committed, how much of it is drawn, and whether a payment still fits.

The sums are kept by the database with each posting and each commitment; nobody else may write them. A payment that does
not fit waits, and a case is open until there is money (ADR 0046).
"""

from dataclasses import dataclass
from typing import Any

from fundline.domain.money import Money
from fundline.platform.database import Connection
from fundline.records.cases import CaseKind, NewCase

WITHIN_COMMITMENT = "funding_balances_within_commitment"
"""The check that holds it, whoever books."""
FUNDING_OF_CURRENCY = """
select s.account, s.currency, b.committed_minor, b.drawn_minor
from funding_sources s left join funding_balances b using (account, currency) where s.currency = $1
"""
MISCOUNTED = """
select b.account, b.currency
from funding_balances b
where b.drawn_minor <> coalesce((select -sum(p.amount_minor) from ledger_postings p
                                 where p.account = b.account and p.currency = b.currency), 0)
   or b.committed_minor <> coalesce((select sum(c.amount_minor) from funding_commitments c
                                     where c.account = b.account and c.currency = b.currency and c.state = 'agreed'), 0)
order by 1, 2
"""


class FundsShort(Exception):
    """The lender has committed less than this needs: it waits until there is more."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """`available`: None where the currency has no lender, or the lender has committed nothing."""

    account: str
    wanted: Money
    available: Money | None

    @property
    def subject(self) -> str:
        """Of the case: one for each source, however many payments wait for it."""
        return funding_subject(self.account, self.wanted.currency)

    def case(self) -> NewCase:
        left = "nothing" if self.available is None else self.available.text()
        return NewCase(
            CaseKind.FUNDING_SHORT,
            self.subject,
            f"Payments in {self.wanted.currency} wait for money of {self.account}: {left} is left, and the first that "
            f"waits is one of {self.wanted.text()}.",
            details={"account": self.account, "currency": self.wanted.currency, "available": left},
        )


def funding_subject(account: str, currency: str) -> str:
    return f"{account}:{currency}"


async def shortage_for(connection: Connection, amount: Money) -> Shortage | None:
    """None: the payment fits. Another one may come first between this look and the booking; the check holds then."""
    row: Any = await connection.fetchrow(FUNDING_OF_CURRENCY, amount.currency)
    if row is None or row["committed_minor"] is None:
        return Shortage("no lender" if row is None else row["account"], amount, None)
    available_minor = row["committed_minor"] - row["drawn_minor"]
    if amount.amount_minor <= available_minor:
        return None
    return Shortage(row["account"], amount, Money(available_minor, amount.currency))
