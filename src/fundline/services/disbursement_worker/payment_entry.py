"""What the worker writes into the audit trail: one entry for each step of a payment, in its application's stream."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fundline.platform.audit.rows import ROWS, Rows, merged, read_rows
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.database import Connection
from fundline.records.audit_streams import application_stream
from fundline.records.recorded_tables import PAYMENTS
from fundline.services.disbursement_worker.store import Payment

SOURCE = "disbursement-worker"


async def record_step(
    connection: Connection,
    payment: Payment,
    action: str,
    at: datetime,
    details: Mapping[str, Any],
    *,
    reason: str = "",
    evidence: bytes | None = None,
    booked: Rows | None = None,
) -> None:
    """Once everything is written: the entry says what the payment's row holds now, and what was `booked`."""
    rows = await read_rows(connection, PAYMENTS, [payment.payment_id])
    shown = {"paymentId": str(payment.payment_id), **details, ROWS: merged(rows, booked or {})}
    stream = application_stream(payment.application_id)
    await record(connection, AuditEntry(stream, SOURCE, action, at, reason, shown, evidence))
