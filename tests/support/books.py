"""The checks on money that must hold after every run: our books balance, and they are the bank's, one to one."""

from uuid import UUID

from fundline.domain.money import Money
from fundline.platform.database import Database
from support.bank import whole_statement

_BALANCES = """
select account, currency, sum(amount_minor)::bigint as balance from ledger_postings group by account, currency
"""
_UNBALANCED = """
select transfer_id from ledger_postings group by transfer_id, currency having sum(amount_minor) <> 0
"""
_FINISHED = """
select d.payment_id, d.application_id, d.amount_minor, d.currency, d.state, d.transaction_id, d.failure_code, a.status
from disbursements d join applications a using (application_id)
where d.state in ('settled', 'failed') and d.submitted_at is not null
"""


async def balances(database: Database) -> dict[tuple[str, str], int]:
    return {(row["account"], row["currency"]): row["balance"] for row in await database.fetch(_BALANCES)}


async def purposes(database: Database, payment_id: UUID) -> list[str]:
    rows = await database.fetch(
        "select purpose from ledger_transfers where payment_id = $1 order by transfer_id", payment_id
    )
    return [row["purpose"] for row in rows]


async def assert_books_agree(database: Database, bank_url: str) -> None:
    """Debits are credits, clearing is empty, and every payment we call finished is the bank's, and the reverse."""
    assert await database.fetch(_UNBALANCED) == []
    sums = await balances(database)
    for currency in {currency for _, currency in sums}:
        assert sum(amount for (_, c), amount in sums.items() if c == currency) == 0
        assert sums["disbursement_clearing", currency] == 0
    ours = {
        str(row["payment_id"]): (
            {"settled": "settled", "failed": "declined"}[row["state"]],
            row["transaction_id"] or row["failure_code"],
            Money(row["amount_minor"], row["currency"]).text(),
            str(row["application_id"]),
        )
        for row in await database.fetch(_FINISHED)
    }
    lines = await whole_statement(bank_url)
    theirs = {
        line["paymentId"]: (
            line["status"],
            line.get("transactionId") or line.get("code"),
            line["amount"],
            line["reference"],
        )
        for line in lines
    }
    assert ours == theirs
    assert len(lines) == len(theirs)
    references = [line["reference"] for line in lines]
    assert len(references) == len(set(references)), "an application was paid twice"
