"""Recording what the bank said: state, books, the application's status and the event, in one transaction."""

from datetime import datetime
from uuid import UUID

from fundline.casefile.ledger import book_payment
from fundline.casefile.status import LockedApplication, lock_application, move_application
from fundline.contracts.payloads import DisbursementCompleted
from fundline.contracts.topics import DISBURSEMENT_COMPLETED, Group
from fundline.domain.application import ApplicationStatus
from fundline.domain.disbursement import FINISHED, DisbursementState, change_state
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.inbox import first_time
from fundline.platform.database.outbox import OutboxRow, outbox_row, store_events
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.disbursement_worker import store
from fundline.services.disbursement_worker.payment_gateway import BankResult, Settled

SOURCE = "disbursement-worker"


class ResultContradicted(Exception):
    """The bank now says something else than what is on record: never overwritten, a person must look."""


class ResultBook:
    def __init__(
        self, database: Database, metrics: Metrics, *, now: Clock = utc_now, fresh_id: NewId = new_id
    ) -> None:
        self._database, self._metrics, self._now, self._fresh_id = database, metrics, now, fresh_id
        self._log = get_log()

    async def record(
        self, event_id: UUID, application_id: UUID, payment_id: UUID, result: BankResult
    ) -> bool:
        """False when it was on record already. Raises ResultContradicted."""
        async with self._database.transaction() as connection:
            if not await first_time(connection, consumer=Group.DISBURSEMENT_WORKER, event_id=event_id):
                return False
            application = await lock_application(connection, application_id)
            record = await store.lock_disbursement(connection, application_id)
            if record.state in FINISHED:
                _require_agreement(record, result)
                return False
            moved = await self._finish(connection, application, record, result)
        self._metrics.applications.labels(moved.status.value).inc()
        fields = {"application_id": str(application_id), "payment_id": str(payment_id)}
        if isinstance(result, Settled):
            self._log.info("payment.settled", transaction_id=result.transaction_id, **fields)
        else:
            self._log.warning("payment.declined", code=result.code, **fields)
        return True

    async def _finish(
        self,
        connection: Connection,
        application: LockedApplication,
        record: store.Disbursement,
        result: BankResult,
    ) -> LockedApplication:
        at = self._now()
        transaction_id, failure_code = _fields(result)
        is_settled = isinstance(result, Settled)
        reached = change_state(
            record.state, DisbursementState.SETTLED if is_settled else DisbursementState.FAILED
        )
        await store.finish_disbursement(
            connection,
            record.payment_id,
            reached,
            transaction_id=transaction_id,
            failure_code=failure_code,
            at=at,
        )
        await book_payment(
            connection, reached, record.amount, payment_id=record.payment_id, new_id=self._fresh_id, at=at
        )
        shown = {"transactionId": transaction_id} if is_settled else {"failureCode": failure_code}
        moved = await move_application(
            connection,
            application,
            ApplicationStatus.DISBURSED if is_settled else ApplicationStatus.FAILED,
            at=at,
            actor=SOURCE,
            new_id=self._fresh_id,
            metadata={"paymentId": str(record.payment_id), **shown},
        )
        await store_events(connection, [self._completed(application.application_id, record, result, at)])
        return moved

    def _completed(
        self, application_id: UUID, record: store.Disbursement, result: BankResult, at: datetime
    ) -> OutboxRow:
        transaction_id, failure_code = _fields(result)
        payload = DisbursementCompleted(
            application_id=application_id,
            status="completed" if isinstance(result, Settled) else "failed",
            transaction_id=transaction_id,
            timestamp=at,
            error=failure_code,
            payment_id=record.payment_id,
            amount=record.amount.text(),
            currency=record.amount.currency,
        )
        return outbox_row(
            DISBURSEMENT_COMPLETED,
            payload,
            key=application_id,
            event_id=self._fresh_id(),
            source=SOURCE,
            at=at,
        )


def _fields(result: BankResult) -> tuple[str | None, str | None]:
    """Transaction id and failure code; one of them is None."""
    return (result.transaction_id, None) if isinstance(result, Settled) else (None, result.code)


def _require_agreement(record: store.Disbursement, result: BankResult) -> None:
    if (record.transaction_id, record.failure_code) != _fields(result):
        raise ResultContradicted(
            f"payment {record.payment_id} is on record as {record.state}; the bank now says {result}"
        )
