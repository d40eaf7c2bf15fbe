"""Recording what the bank said: state, books, the application's status and the event, in one transaction."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from fundline.contracts.payloads import DisbursementCompleted
from fundline.contracts.topics import DISBURSEMENT_COMPLETED
from fundline.domain.application import ApplicationStatus
from fundline.domain.disbursement import FINISHED, WITH_THE_BANK, DisbursementState, change_state
from fundline.domain.money import Money
from fundline.platform.audit.rows import Rows
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.outbox import OutboxRow, outbox_row, store_events
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.cases import CaseKind, NewCase, open_case, settle_case
from fundline.records.ledger import book_payment
from fundline.records.metrics import ApplicationMetrics
from fundline.records.status import LockedApplication, lock_application, move_application
from fundline.services.disbursement_worker import store
from fundline.services.disbursement_worker.metrics import PaymentMetrics
from fundline.services.disbursement_worker.payment_entry import SOURCE, record_step
from fundline.services.disbursement_worker.payment_gateway import BankResult, Settled

LOST = "The bank had accepted the payment, and now says that it has never seen it; it is not sent again."


class Recorded(StrEnum):
    """What recording a result came to."""

    NOW = "recorded"
    BEFORE = "repeated"
    """The same result was on record already."""
    CONTRADICTED = "contradicted"
    """Something else is on record: it stands, and a case is open."""


class ResultBook:
    def __init__(
        self, database: Database, metrics: Metrics, *, now: Clock = utc_now, fresh_id: NewId = new_id
    ) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._applications = metrics.of(ApplicationMetrics).applications
        self._contradicted = metrics.of(PaymentMetrics).payments_contradicted
        self._log = get_log()

    async def record(
        self, application_id: UUID, result: BankResult, *, stated: Money | None = None
    ) -> Recorded:
        """However often and from wherever the same result comes. `stated`: the amount that the bank names with it."""
        async with self._database.transaction() as connection:
            application = await lock_application(connection, application_id)
            payment = await store.lock_disbursement(connection, application_id)
            contradiction = _contradiction(payment, result, stated)
            if contradiction:
                await self._contradict(connection, payment, contradiction)
            elif payment.state not in FINISHED:
                await self._finish(connection, application, payment, result)
        return self._told(payment, result, contradiction)

    async def record_lost(self, application_id: UUID) -> None:
        """The bank had accepted the payment and does not know it any more: a case, and nothing else changes."""
        async with self._database.transaction() as connection:
            await lock_application(connection, application_id)
            payment = await store.lock_disbursement(connection, application_id)
            if payment.state in FINISHED:
                return
            await self._contradict(connection, payment, LOST)
        self._tell_contradiction(payment, LOST)

    def _told(self, payment: store.Disbursement, result: BankResult, contradiction: str) -> Recorded:
        fields = _ids(payment)
        if contradiction:
            self._tell_contradiction(payment, contradiction)
            return Recorded.CONTRADICTED
        if payment.state in FINISHED:
            return Recorded.BEFORE
        if isinstance(result, Settled):
            self._applications.labels(ApplicationStatus.DISBURSED.value).inc()
            self._log.info("payment.settled", transaction_id=result.transaction_id, **fields)
        else:
            self._applications.labels(ApplicationStatus.FAILED.value).inc()
            self._log.warning("payment.declined", code=result.code, **fields)
        return Recorded.NOW

    def _tell_contradiction(self, payment: store.Disbursement, contradiction: str) -> None:
        self._contradicted.inc()
        self._log.error("payment.contradicted", cause=contradiction, **_ids(payment))

    async def _contradict(
        self, connection: Connection, payment: store.Disbursement, contradiction: str
    ) -> None:
        """Nothing on record is written over: a person must find out which of the two is true."""
        case = NewCase(
            CaseKind.PAYMENT_CONTRADICTED,
            str(payment.payment_id),
            contradiction,
            payment.application_id,
            {
                "state": payment.state.value,
                "amount": payment.amount.text(),
                "currency": payment.amount.currency,
            },
        )
        await open_case(connection, case, case_id=self._fresh_id(), opened_by=SOURCE, at=self._now())

    async def _finish(
        self,
        connection: Connection,
        application: LockedApplication,
        payment: store.Disbursement,
        result: BankResult,
    ) -> None:
        at = self._now()
        transaction_id, failure_code = _fields(result)
        is_settled = isinstance(result, Settled)
        reached = change_state(
            payment.state, DisbursementState.SETTLED if is_settled else DisbursementState.FAILED
        )
        await store.finish_disbursement(
            connection,
            payment.payment_id,
            reached,
            transaction_id=transaction_id,
            failure_code=failure_code,
            at=at,
        )
        booked = await book_payment(
            connection, reached, payment.amount, payment_id=payment.payment_id, new_id=self._fresh_id, at=at
        )
        shown = {"transactionId": transaction_id} if is_settled else {"failureCode": failure_code}
        await move_application(
            connection,
            application,
            ApplicationStatus.DISBURSED if is_settled else ApplicationStatus.FAILED,
            at=at,
            actor=SOURCE,
            new_id=self._fresh_id,
            metadata={"paymentId": str(payment.payment_id), **shown},
        )
        await self._explain(connection, payment, result, booked, at)
        await store_events(connection, [self._completed(application.application_id, payment, result, at)])

    async def _explain(
        self,
        connection: Connection,
        payment: store.Disbursement,
        result: BankResult,
        booked: Rows,
        at: datetime,
    ) -> None:
        """In the audit trail; and a person who was asked to look need not look any more."""
        transaction_id, failure_code = _fields(result)
        action = "payment.settled" if isinstance(result, Settled) else "payment.failed"
        details = {
            "transactionId": transaction_id,
            "failureCode": failure_code,
            "wasState": payment.state.value,
        }
        await record_step(connection, payment, action, at, details, booked=booked)
        await settle_case(  # opened by the sweep, or by the reconciler while no worker ran
            connection,
            CaseKind.PAYMENT_UNKNOWN,
            str(payment.payment_id),
            by=SOURCE,
            at=at,
            resolution=f"The bank has said what became of the payment: {action.removeprefix('payment.')}.",
        )

    def _completed(
        self, application_id: UUID, payment: store.Disbursement, result: BankResult, at: datetime
    ) -> OutboxRow:
        transaction_id, failure_code = _fields(result)
        payload = DisbursementCompleted(
            application_id=application_id,
            status="completed" if isinstance(result, Settled) else "failed",
            transaction_id=transaction_id,
            timestamp=at,
            error=failure_code,
            payment_id=payment.payment_id,
            amount=payment.amount.text(),
            currency=payment.amount.currency,
        )
        return outbox_row(
            DISBURSEMENT_COMPLETED,
            payload,
            key=application_id,
            event_id=self._fresh_id(),
            source=SOURCE,
            at=at,
        )


def _ids(payment: store.Disbursement) -> dict[str, str]:
    return {"application_id": str(payment.application_id), "payment_id": str(payment.payment_id)}


def _fields(result: BankResult) -> tuple[str | None, str | None]:
    """Transaction id and failure code; one of them is None."""
    return (result.transaction_id, None) if isinstance(result, Settled) else (None, result.code)


def _contradiction(payment: store.Disbursement, result: BankResult, stated: Money | None) -> str:
    """A sentence; empty when all is well."""
    if payment.state not in FINISHED | WITH_THE_BANK:
        return f"The bank gives a result for a payment that we have not sent: it is {payment.state}."
    if payment.state in FINISHED and (payment.transaction_id, payment.failure_code) != _fields(result):
        return f"The payment is on record as {payment.state}; the bank now says {result}."
    if stated not in (None, payment.amount):
        return f"The payment is one of {_said(payment.amount)}; the bank speaks of {_said(stated)}."
    return ""


def _said(amount: Money) -> str:
    return f"{amount.text()} {amount.currency}"
