"""Paying an approved application exactly once.

Invariant: a payment id is on disk before the bank hears of it, and an application never gets a second one. Whatever
dies between the steps, the next delivery finds the id, asks the bank for it, and only sends it again, under the same
id, when the bank has never seen it. No transaction is open while the bank is called.
"""

from dataclasses import dataclass
from uuid import UUID

import orjson

from fundline.casefile.ledger import book_payment
from fundline.casefile.status import LockedApplication, lock_application
from fundline.contracts.topics import Group
from fundline.domain.application import ApplicationStatus
from fundline.domain.disbursement import WITH_THE_BANK, DisbursementState, change_state
from fundline.domain.money import Money
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.inbox import first_time
from fundline.platform.http.client import CallUnanswered
from fundline.platform.secrets import SecretBox
from fundline.platform.telemetry.logs import get_log
from fundline.services.disbursement_worker import store
from fundline.services.disbursement_worker.payment_gateway import (
    Accepted,
    BankAnswer,
    BankResult,
    PaymentGateway,
    PaymentOrder,
)
from fundline.services.disbursement_worker.results import ResultBook

PAID_OUT = frozenset({ApplicationStatus.DISBURSED, ApplicationStatus.FAILED})


class AmountDiffers(ValueError):
    """The event asks for another amount than the application has on the primary."""


class NotYetApproved(Exception):
    """Events of different topics may overtake each other; an application that stays like this is not paid."""


class PaymentUnresolved(Exception):
    """The bank has not said what became of the payment. It is asked again, never assumed."""


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What `disbursement.requested` says. `amount` is only compared: what is paid is the application's own amount."""

    event_id: UUID
    application_id: UUID
    amount: Money


@dataclass(frozen=True, slots=True)
class SubmittedPayment:
    """Stored as submitted. `may_be_known`: an earlier attempt may have reached the bank."""

    application_id: UUID
    order: PaymentOrder
    may_be_known: bool


class Payout:
    """The steps are public because a crash may come between any two of them, and the tests stop there."""

    def __init__(
        self,
        database: Database,
        bank: PaymentGateway,
        secrets: SecretBox,
        results: ResultBook,
        *,
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
    ) -> None:
        self._database, self._bank, self._secrets, self._results = database, bank, secrets, results
        self._now, self._fresh_id = now, fresh_id
        self._log = get_log()

    async def expect(self, event_id: UUID, application_id: UUID) -> None:
        """Open the record of an approved application, without paying. Raises NotYetApproved or UnknownApplication."""
        async with self._database.transaction() as connection:
            if not await first_time(connection, consumer=Group.DISBURSEMENT_WORKER, event_id=event_id):
                return
            application = await lock_application(connection, application_id)
            if application.status in PAID_OUT:
                return
            opened = await self._open(connection, application)
        if opened:
            self._log.info("payment.expected", application_id=str(application_id))

    async def pay(self, request: PaymentRequest) -> None:
        """Done when the payment has a final result that is on record; see the steps for what they raise."""
        payment = await self.submit(request)
        if payment is not None:
            result = await self.ask_bank(payment)
            await self._results.record(
                request.event_id, payment.application_id, payment.order.payment_id, result
            )

    async def submit(self, request: PaymentRequest) -> SubmittedPayment | None:
        """Store the payment as submitted, before anything is sent. None: it has its result already.

        Raises UnknownApplication, AmountDiffers, NotYetApproved, SealBroken.
        """
        async with self._database.transaction() as connection:
            application = await lock_application(connection, request.application_id)
            if application.amount != request.amount:
                raise AmountDiffers(
                    f"the event asks for {request.amount.text()} {request.amount.currency}, the application has "
                    f"{application.amount.text()} {application.amount.currency}"
                )
            if application.status in PAID_OUT:
                payment = None
            else:
                payment = await self._submit(connection, application)
        fields = {"application_id": str(request.application_id)}
        if payment is None:
            self._log.info("payment.duplicate", **fields)
            return None
        event = "payment.resumed" if payment.may_be_known else "payment.submitted"
        self._log.info(event, payment_id=str(payment.order.payment_id), **fields)
        return payment

    async def ask_bank(self, payment: SubmittedPayment) -> BankResult:
        """Outside of any transaction.

        Raises PaymentUnresolved when the bank is silent or will settle later, CallNotSent, BankBusy.
        """
        try:
            answer = await self._ask(payment)
        except CallUnanswered as silence:
            await self._mark_unknown(payment)
            raise PaymentUnresolved(f"the bank did not answer: {silence}") from silence
        if isinstance(answer, Accepted):
            raise PaymentUnresolved("the bank has accepted the payment and not settled it yet")
        return answer

    async def _ask(self, payment: SubmittedPayment) -> BankAnswer:
        if payment.may_be_known:
            found = await self._bank.find(payment.order.payment_id)
            if found is not None:
                return found
        return await self._bank.pay(payment.order)

    async def _open(self, connection: Connection, application: LockedApplication) -> bool:
        if application.status is not ApplicationStatus.APPROVED:
            raise NotYetApproved(f"the application is {application.status}, not approved")
        return await store.open_disbursement(
            connection,
            payment_id=self._fresh_id(),
            application_id=application.application_id,
            amount=application.amount,
            at=self._now(),
        )

    async def _submit(self, connection: Connection, application: LockedApplication) -> SubmittedPayment:
        await self._open(connection, application)
        record = await store.lock_disbursement(connection, application.application_id)
        sealed = await store.read_payout_account(connection, application.application_id)
        payee = orjson.loads(self._secrets.open(sealed, application.application_id))
        order = PaymentOrder(record.payment_id, application.amount, payee, str(application.application_id))
        if record.state in WITH_THE_BANK:
            return SubmittedPayment(application.application_id, order, may_be_known=True)
        at = self._now()
        reached = change_state(record.state, DisbursementState.SUBMITTED)
        await store.mark_submitted(connection, record.payment_id, reached, at)
        await book_payment(
            connection,
            reached,
            application.amount,
            payment_id=record.payment_id,
            new_id=self._fresh_id,
            at=at,
        )
        return SubmittedPayment(application.application_id, order, may_be_known=False)

    async def _mark_unknown(self, payment: SubmittedPayment) -> None:
        async with self._database.transaction() as connection:
            record = await store.lock_disbursement(connection, payment.application_id)
            if record.state is DisbursementState.SUBMITTED:  # another worker may know the result by now
                reached = change_state(record.state, DisbursementState.UNKNOWN)
                await store.mark_unknown(connection, record.payment_id, reached)
        self._log.warning(
            "payment.unknown",
            application_id=str(payment.application_id),
            payment_id=str(record.payment_id),
        )
