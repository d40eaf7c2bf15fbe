"""Reading the ledger: balances are derived from the postings each time, never stored. As of any moment."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fundline.domain.ledger import AccountKind
from fundline.domain.money import Money
from fundline.platform.database import Connection
from fundline.records.agreement import disagreements
from fundline.records.books import BookedPayments, misplaced, read_booked_payments
from fundline.records.funding import MISCOUNTED, funding_subject

TRIAL_BALANCE = """
select a.account, a.kind, p.currency,
       coalesce(sum(p.amount_minor) filter (where p.amount_minor > 0), 0)::bigint as debits_minor,
       coalesce(-sum(p.amount_minor) filter (where p.amount_minor < 0), 0)::bigint as credits_minor
from ledger_accounts a join ledger_postings p using (account) join ledger_transfers t using (transfer_id)
where $1::timestamptz is null or t.booked_at <= $1
group by 1, 2, 3 order by 3, 2, 1
"""
ACCOUNT_KIND = "select kind from ledger_accounts where account = $1"
ACCOUNT_NAMES = "select account from ledger_accounts order by account"
ENTRIES = """
select * from (
    select t.booked_at, t.transfer_id, t.payment_id, t.purpose, t.corrects, t.reason, p.currency, p.amount_minor,
           sum(p.amount_minor) over (partition by p.currency order by t.booked_at, t.transfer_id)::bigint
               as balance_minor
    from ledger_postings p join ledger_transfers t using (transfer_id)
    where p.account = $1 and ($2::timestamptz is null or t.booked_at <= $2)
) entries order by booked_at desc, transfer_id desc limit $3
"""
UNBALANCED_TRANSFERS = """
select transfer_id from ledger_transfers t left join lateral (
    select p.currency, sum(p.amount_minor) as total_minor from ledger_postings p
    where p.transfer_id = t.transfer_id group by p.currency) sums on true
where (sums.currency is null or sums.total_minor <> 0) and ($1::timestamptz is null or t.booked_at <= $1)
group by 1 order by 1
"""
OUT_OF_SEQUENCE = """
select t.transfer_id from ledger_transfers t left join ledger_transfers earlier
    on earlier.payment_id = t.payment_id
    and earlier.purpose = case t.purpose when 'fee_charged' then 'payment_settled' else 'payment_submitted' end
where t.corrects is null and t.purpose <> 'payment_submitted'
    and (earlier.transfer_id is null or earlier.booked_at > t.booked_at)
    and ($1::timestamptz is null or t.booked_at <= $1)
union
select t.transfer_id from ledger_transfers t join ledger_transfers earlier on earlier.transfer_id = t.corrects
where earlier.booked_at > t.booked_at and ($1::timestamptz is null or t.booked_at <= $1)
order by 1
"""


class AccountUnknown(LookupError):
    """The chart has no such account; the sentence names those it has."""


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """Debits and credits of one account in one currency; the balance is what the debits are more."""

    account: str
    kind: AccountKind
    debits: Money
    credits: Money

    @property
    def balance(self) -> Money:
        return Money(self.debits.amount_minor - self.credits.amount_minor, self.debits.currency)


@dataclass(frozen=True, slots=True)
class Entry:
    """One posting on an account; `balance` is the account's in this currency after it."""

    booked_at: datetime
    transfer_id: UUID
    payment_id: UUID
    purpose: str
    corrects: UUID | None
    reason: str | None
    amount: Money
    balance: Money


@dataclass(frozen=True, slots=True)
class Problem:
    """What `verify` found. `check` is one of a small closed set."""

    check: str
    subject: str
    sentence: str


async def trial_balance(connection: Connection, at: datetime | None = None) -> list[AccountBalance]:
    """By currency, then kind, then account; accounts without postings are left out."""
    return [
        AccountBalance(
            row["account"],
            AccountKind(row["kind"]),
            Money(row["debits_minor"], row["currency"]),
            Money(row["credits_minor"], row["currency"]),
        )
        for row in await connection.fetch(TRIAL_BALANCE, at)
    ]


def out_of_balance(balances: Sequence[AccountBalance]) -> dict[str, Money]:
    """By currency: debits less credits, where that is not zero."""
    sums: Counter[str] = Counter()
    for line in balances:
        sums[line.balance.currency] += line.balance.amount_minor
    return {currency: Money(minor, currency) for currency, minor in sums.items() if minor}


async def entries(
    connection: Connection, account: str, *, at: datetime | None = None, limit: int
) -> list[Entry]:
    """The newest postings on an account, newest first. Raises AccountUnknown."""
    if await connection.fetchval(ACCOUNT_KIND, account) is None:
        names = ", ".join(row["account"] for row in await connection.fetch(ACCOUNT_NAMES))
        raise AccountUnknown(f"The ledger has no account {account}; it has {names}.")
    return [
        Entry(
            row["booked_at"],
            row["transfer_id"],
            row["payment_id"],
            row["purpose"],
            row["corrects"],
            row["reason"],
            Money(row["amount_minor"], row["currency"]),
            Money(row["balance_minor"], row["currency"]),
        )
        for row in await connection.fetch(ENTRIES, account, at, limit)
    ]


async def unbalanced_transfers(connection: Connection, at: datetime | None = None) -> list[UUID]:
    """Transfers that do not sum to zero in each currency, or have no postings."""
    return [row["transfer_id"] for row in await connection.fetch(UNBALANCED_TRANSFERS, at)]


async def verify(connection: Connection, at: datetime | None = None) -> list[Problem]:
    """Every rule of the ledger, held against every row. Call in a snapshot; empty when all is well."""
    problems = [
        Problem("transfer_sums_to_zero", str(key), f"Transfer {key} does not sum to zero.")
        for key in await unbalanced_transfers(connection, at)
    ]
    problems += [
        Problem("transfers_in_sequence", str(row["transfer_id"]), f"Transfer {row['transfer_id']} {_EARLY}")
        for row in await connection.fetch(OUT_OF_SEQUENCE, at)
    ]
    balances = await trial_balance(connection, at)
    problems += [
        Problem("debits_are_credits", currency, f"Debits and credits differ by {rest.text()} {currency}.")
        for currency, rest in out_of_balance(balances).items()
    ]
    problems += [
        Problem(
            "no_wrong_sign",
            line.account,
            f"{line.account} is an {line.kind} account with a balance of {line.balance.text()} "
            f"{line.balance.currency}.",
        )
        for line in balances
        if not line.kind.allows(line.balance.amount_minor)
    ]
    async for page in read_booked_payments(connection, at=at):
        problems += _of_payments(page)
    if at is None:
        problems += [
            Problem("funding_is_counted", funding_subject(row["account"], row["currency"]), _miscounted(row))
            for row in await connection.fetch(MISCOUNTED)
        ]
        problems += [
            Problem("application_and_payment_agree", str(found.application_id), found.sentence)
            async for found in disagreements(connection)
        ]
    return problems


def _miscounted(row: Any) -> str:
    return (
        f"funding_balances of {row['account']} in {row['currency']} is not the sum of its postings and of its "
        "agreed commitments."
    )


_EARLY = "is booked without, or before, the one it follows."


def _of_payments(page: BookedPayments) -> list[Problem]:
    states = {payment.payment_id: payment.state.value for payment in page.payments}
    return [
        Problem(
            "payments_are_in_place",
            str(key),
            f"Payment {key} is {states.get(key, 'not on record')}, and its postings say something else.",
        )
        for key in misplaced(page)
    ]
