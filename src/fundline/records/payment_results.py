"""Writing what became of a payment: row, books, status, trail, cases, event. The caller's transaction.

The worker writes what the bank says, the operations API what two people say; a payment that was sent ends nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money
from fundline.domain.payment import PAID, PaymentState, change_state
from fundline.platform.audit.rows import ROWS, Rows, merged, read_rows
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import NewId
from fundline.platform.database import Connection
from fundline.platform.database.outbox import store_events
from fundline.platform.database.sql import Sql
from fundline.records.audit_streams import application_stream
from fundline.records.cases import CaseKind, NewCase, open_case, settle_case
from fundline.records.ledger import book_payment
from fundline.records.payment_request import payment_completed
from fundline.records.recorded_tables import PAYMENTS
from fundline.records.status import LockedApplication, move_application

FINISH = Sql("""
update disbursements
set state = :state, transaction_id = :transaction_id, failure_code = :failure_code, finished_at = :at,
    next_step_at = null
where payment_id = :payment_id
""")
RETURN = Sql("""
update disbursements set state = :state, return_code = :code, returned_at = :at, next_step_at = null
where payment_id = :payment_id
""")
_STATUS = {
    PaymentState.SETTLED: ApplicationStatus.DISBURSED,
    PaymentState.FAILED: ApplicationStatus.FAILED,
    PaymentState.RETURNED: ApplicationStatus.RETURNED,
}


class SentPayment(Protocol):
    """A payment that the bank may have, locked by the caller."""

    @property
    def application_id(self) -> UUID: ...
    @property
    def payment_id(self) -> UUID: ...
    @property
    def amount(self) -> Money: ...
    @property
    def state(self) -> PaymentState: ...


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """`reached`: settled or returned with the bank's `transaction_id`, failed or returned with its `code`."""

    reached: PaymentState
    transaction_id: str | None = None
    code: str | None = None

    def metadata(self) -> dict[str, str | None]:
        """What the applicant reads beside the new status."""
        if self.reached is PaymentState.SETTLED:
            return {"transactionId": self.transaction_id}
        if self.reached is PaymentState.FAILED:
            return {"failureCode": self.code}
        return {"returnCode": self.code}


@dataclass(frozen=True, slots=True)
class Writing:
    """Who writes a result, when and why; `details` and `evidence` join the entry. `settles`: cases that end with it."""

    actor: str
    at: datetime
    new_id: NewId
    settles: tuple[CaseKind, ...]
    resolution: str
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    evidence: bytes | None = None


async def write_result(
    connection: Connection,
    application: LockedApplication,
    payment: SentPayment,
    result: PaymentResult,
    writing: Writing,
) -> None:
    """What came back was settled before, also where nobody has told us of that. Raises IllegalPaymentTransition."""
    before = payment.state
    if result.reached is not PaymentState.RETURNED:
        await _finish(connection, application, payment, result, writing)
        return
    if before not in PAID:
        settled = PaymentResult(PaymentState.SETTLED, result.transaction_id)
        application = await _finish(connection, application, payment, settled, writing)
        before = PaymentState.SETTLED
    reached = change_state(before, PaymentState.RETURNED)
    await connection.execute(
        *RETURN(payment_id=payment.payment_id, state=reached.value, code=result.code, at=writing.at)
    )
    details = {
        "transactionId": result.transaction_id,
        "returnCode": result.code,
        "amount": payment.amount.text(),
        "currency": payment.amount.currency,
    }
    await _follow(connection, application, payment, result, writing, details)
    case = NewCase(
        CaseKind.PAYMENT_RETURNED,
        str(payment.payment_id),
        f"A payment of {payment.amount.text()} {payment.amount.currency} came back: {result.code}.",
        payment.application_id,
        details,
    )
    await open_case(connection, case, case_id=writing.new_id(), opened_by=writing.actor, at=writing.at)


async def _finish(
    connection: Connection,
    application: LockedApplication,
    payment: SentPayment,
    result: PaymentResult,
    writing: Writing,
) -> LockedApplication:
    """Settled or failed."""
    reached = change_state(payment.state, result.reached)
    await connection.execute(
        *FINISH(
            payment_id=payment.payment_id,
            state=reached.value,
            transaction_id=result.transaction_id,
            failure_code=result.code,
            at=writing.at,
        )
    )
    details = {
        "transactionId": result.transaction_id,
        "failureCode": result.code,
        "wasState": payment.state.value,
    }
    application = await _follow(connection, application, payment, result, writing, details)
    completed = payment_completed(
        application,
        payment.payment_id,
        "completed" if reached is PaymentState.SETTLED else "failed",
        transaction_id=result.transaction_id,
        failure_code=result.code,
        source=writing.actor.split(":", 1)[0],
        at=writing.at,
        event_id=writing.new_id(),
    )
    await store_events(connection, [completed])
    return application


async def _follow(
    connection: Connection,
    application: LockedApplication,
    payment: SentPayment,
    result: PaymentResult,
    writing: Writing,
    details: Mapping[str, Any],
) -> LockedApplication:
    """What every result has, once the payment's row is written: books, status, entry, the end of cases."""
    booked = await book_payment(
        connection,
        result.reached,
        payment.amount,
        payment_id=payment.payment_id,
        new_id=writing.new_id,
        at=writing.at,
    )
    application = await move_application(
        connection,
        application,
        _STATUS[result.reached],
        at=writing.at,
        actor=writing.actor,
        new_id=writing.new_id,
        metadata={"paymentId": str(payment.payment_id), **result.metadata()},
    )
    await record(connection, await _entry(connection, payment, result, writing, details, booked))
    for kind in writing.settles:
        await settle_case(
            connection,
            kind,
            str(payment.payment_id),
            by=writing.actor,
            at=writing.at,
            resolution=writing.resolution,
        )
    return application


async def _entry(
    connection: Connection,
    payment: SentPayment,
    result: PaymentResult,
    writing: Writing,
    details: Mapping[str, Any],
    booked: Rows,
) -> AuditEntry:
    rows = merged(await read_rows(connection, PAYMENTS, [payment.payment_id]), booked)
    shown = {
        "paymentId": str(payment.payment_id),
        **details,
        **writing.details,
        ROWS: merged(rows, writing.details.get(ROWS, {})),
    }
    return AuditEntry(
        application_stream(payment.application_id),
        writing.actor,
        f"payment.{result.reached.value}",
        writing.at,
        writing.reason,
        shown,
        writing.evidence,
    )
