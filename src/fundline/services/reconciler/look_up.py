"""A payment without a result: a worker's sweep asks the bank for it, and may be told to do so now."""

from datetime import datetime
from uuid import UUID

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.database import Connection
from fundline.records.audit_streams import application_stream
from fundline.services.reconciler import store
from fundline.services.reconciler.findings import SOURCE


async def ask_the_bank_now(
    connection: Connection, application_id: UUID, payment_id: UUID, at: datetime
) -> None:
    """A look-up under the payment's own id, never a second payment. Changes nothing when one is about to happen.

    Before a case is opened: everybody locks the payment first, then a case, then the head of the audit stream.
    """
    if await store.look_up_sooner(connection, payment_id, at):
        details = {"paymentId": str(payment_id)}
        entry = AuditEntry(
            application_stream(application_id), SOURCE, "payment.look_up_asked", at, details=details
        )
        await record(connection, entry)
