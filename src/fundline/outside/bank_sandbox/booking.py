"""What the bookkeeper writes, within its transaction: accept an order, conclude it, keep the lists of what is to do."""

import base64
import sqlite3
from collections.abc import Iterable
from dataclasses import astuple
from datetime import datetime
from uuid import UUID

from fundline.contracts.payloads import iso_utc
from fundline.outside.bank_sandbox import store
from fundline.outside.bank_sandbox.store import DueWebhook, Order, Payment, Plan, find_payment
from fundline.platform.clock import NewId

_BATCH = 256


def accept(
    ledger: sqlite3.Connection, order: Order, plan: Plan, at: datetime, fresh_id: NewId
) -> tuple[Payment, bool]:
    """The payment under this id, and whether this order made it; without a due time it has its outcome at once."""
    before = find_payment(ledger, order.payment_id)
    if before is not None:
        return before, False
    ledger.execute(store.ADD_ORDER, astuple(order))
    if plan.return_after_ms is not None:
        planned = (order.payment_id, plan.return_after_ms, plan.return_code, plan.notices)
        ledger.execute(store.PLAN_RETURN, planned)
    if plan.due_at_ms is None:
        return _conclude(ledger, order.payment_id, plan.decline_code, plan.notices, at, fresh_id), True
    ledger.execute(store.ADD_PENDING, (order.payment_id, plan.due_at_ms, plan.decline_code, plan.notices))
    return _known(ledger, order.payment_id), True


def conclude_due(ledger: sqlite3.Connection, at: datetime, fresh_id: NewId) -> list[Payment]:
    """Settles, declines or returns what is due, some hundreds at most; what became of each."""
    due = ledger.execute(store.READ_DUE, (epoch_ms(at), _BATCH)).fetchall()
    concluded = []
    for payment_id, decline_code, notices in due:
        concluded.append(_conclude(ledger, payment_id, decline_code, notices, at, fresh_id))
        ledger.execute(store.DROP_PENDING, (payment_id,))
    due_back = ledger.execute(store.READ_DUE_RETURNS, (epoch_ms(at), _BATCH)).fetchall()
    for payment_id, code, notices in due_back:
        return_id = _transaction_id(fresh_id())
        ledger.execute(store.ADD_RETURN, (payment_id, return_id, code, iso_utc(at)))
        ledger.execute(store.DROP_RETURN, (payment_id,))
        _add_webhook(ledger, payment_id, notices, at, fresh_id)
        concluded.append(_known(ledger, payment_id))
    return concluded


def due_webhooks(reading: sqlite3.Connection, at: datetime, limit: int) -> list[tuple[DueWebhook, Payment]]:
    rows = reading.execute(store.READ_WEBHOOKS, (epoch_ms(at), limit)).fetchall()
    return [(webhook, _known(reading, webhook.payment_id)) for webhook in (DueWebhook(*row) for row in rows)]


def note_deliveries(
    ledger: sqlite3.Connection, confirmed: Iterable[str], refused: Iterable[tuple[str, int]], at: datetime
) -> None:
    """By webhook id; a refused one comes with the moment of its next attempt, in milliseconds since 1970."""
    ledger.executemany(store.NOTE_SENT, [(epoch_ms(at), webhook_id) for webhook_id in confirmed])
    ledger.execute(store.DROP_DELIVERED)
    ledger.executemany(store.NOTE_REFUSED, [(next_at_ms, webhook_id) for webhook_id, next_at_ms in refused])


def epoch_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _conclude(
    ledger: sqlite3.Connection,
    payment_id: str,
    decline_code: str | None,
    notices: int,
    at: datetime,
    fresh_id: NewId,
) -> Payment:
    settled = decline_code is None
    transaction_id = _transaction_id(fresh_id()) if settled else None
    status = "settled" if settled else "declined"
    ledger.execute(store.ADD_OUTCOME, (payment_id, status, transaction_id, decline_code, iso_utc(at)))
    if settled:
        ledger.execute(store.BOOK, (transaction_id, store.FUNDING_ACCOUNT, payment_id))
        ledger.execute(store.START_RETURN, (epoch_ms(at), payment_id))
    else:
        ledger.execute(store.DROP_RETURN, (payment_id,))
    _add_webhook(ledger, payment_id, notices, at, fresh_id)
    return _known(ledger, payment_id)


def _add_webhook(
    ledger: sqlite3.Connection, payment_id: str, notices: int, at: datetime, fresh_id: NewId
) -> None:
    if notices:
        ledger.execute(store.ADD_WEBHOOK, (f"msg_{fresh_id().hex}", payment_id, notices, epoch_ms(at)))


def _transaction_id(fresh: UUID) -> str:
    """30 characters: a reference in ISO 20022 has at most 35."""
    return "txn_" + base64.b32encode(fresh.bytes).decode().rstrip("=").lower()


def _known(ledger: sqlite3.Connection, payment_id: str) -> Payment:
    found = find_payment(ledger, payment_id)
    assert found is not None  # noqa: S101 - a foreign key says so
    return found
