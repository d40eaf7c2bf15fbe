"""What `fundline ledger` shows: to people as tables, to programs as JSON."""

from typing import Any

from fundline.commands.table import aligned
from fundline.contracts.payloads import iso_utc
from fundline.records.ledger_views import AccountBalance, Entry


def balance_json(line: AccountBalance) -> dict[str, Any]:
    return {
        "account": line.account,
        "kind": line.kind.value,
        "currency": line.balance.currency,
        "debits": line.debits.text(),
        "credits": line.credits.text(),
        "balance": line.balance.text(),
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "bookedAt": iso_utc(entry.booked_at),
        "transferId": str(entry.transfer_id),
        "paymentId": str(entry.payment_id),
        "purpose": entry.purpose,
        "amount": entry.amount.text(),
        "currency": entry.amount.currency,
        "balance": entry.balance.text(),
        "corrects": None if entry.corrects is None else str(entry.corrects),
        "reason": entry.reason,
    }


def balances_table(balances: list[AccountBalance]) -> str:
    rows = [["account", "kind", "debits", "credits", "balance", "currency"]]
    for line in balances:
        amounts = [amount.text() for amount in (line.debits, line.credits, line.balance)]
        rows.append([line.account, line.kind.value, *amounts, line.balance.currency])
    return "\n".join(aligned(rows, right={2, 3, 4}))


def entries_table(found: list[Entry]) -> str:
    rows = [["booked at", "purpose", "transfer", "payment", "amount", "balance", "currency"]]
    for entry in found:
        amounts = [entry.amount.text(), entry.balance.text()]
        told = [iso_utc(entry.booked_at), entry.purpose, str(entry.transfer_id), str(entry.payment_id)]
        rows.append([*told, *amounts, entry.amount.currency])
    return "\n".join(aligned(rows, right={4, 5}))
