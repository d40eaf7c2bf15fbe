"""Recording that a settled payment has come back, in the transaction of its result."""

from fundline.banks.bank import Returned
from fundline.domain.application import ApplicationStatus
from fundline.domain.payment import PaymentState, change_state
from fundline.platform.clock import Clock, NewId
from fundline.platform.database import Connection
from fundline.records.cases import CaseKind, NewCase, open_case
from fundline.records.ledger import book_payment
from fundline.records.status import LockedApplication, move_application
from fundline.services.disbursement_worker import store
from fundline.services.disbursement_worker.payment_entry import SOURCE, record_step
from fundline.services.disbursement_worker.store import Payment


class Returns:
    def __init__(self, *, now: Clock, fresh_id: NewId) -> None:
        self._now, self._fresh_id = now, fresh_id

    async def write(
        self, connection: Connection, application: LockedApplication, payment: Payment, result: Returned
    ) -> None:
        """State, books, status, entry, and a case: somebody has to talk with the applicant."""
        at, reached = self._now(), change_state(payment.state, PaymentState.RETURNED)
        await connection.execute(
            *store.RETURN(payment_id=payment.payment_id, state=reached.value, code=result.code, at=at)
        )
        booked = await book_payment(
            connection, reached, payment.amount, payment_id=payment.payment_id, new_id=self._fresh_id, at=at
        )
        await move_application(
            connection,
            application,
            ApplicationStatus.RETURNED,
            at=at,
            actor=SOURCE,
            new_id=self._fresh_id,
            metadata={"paymentId": str(payment.payment_id), "returnCode": result.code},
        )
        details = {
            "transactionId": result.transaction_id,
            "returnCode": result.code,
            "amount": payment.amount.text(),
            "currency": payment.amount.currency,
        }
        case = NewCase(
            CaseKind.PAYMENT_RETURNED,
            str(payment.payment_id),
            f"A payment of {payment.amount.text()} {payment.amount.currency} came back: {result.code}.",
            payment.application_id,
            details,
        )
        await record_step(connection, payment, "payment.returned", at, details, booked=booked)
        await open_case(connection, case, case_id=self._fresh_id(), opened_by=SOURCE, at=at)
