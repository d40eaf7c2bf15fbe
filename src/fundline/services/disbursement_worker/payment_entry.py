"""What the worker writes into the audit trail: one entry for each step of a payment, in its application's stream."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fundline.platform.audit.trail import AuditEntry, application_stream
from fundline.services.disbursement_worker.store import Disbursement

SOURCE = "disbursement-worker"


def entry(
    payment: Disbursement,
    action: str,
    at: datetime,
    details: Mapping[str, Any],
    *,
    reason: str = "",
    evidence: bytes | None = None,
) -> AuditEntry:
    shown = {"paymentId": str(payment.payment_id), **details}
    return AuditEntry(application_stream(payment.application_id), SOURCE, action, at, reason, shown, evidence)
