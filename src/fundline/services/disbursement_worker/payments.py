"""Asking for a payment, and submitting it: everything that is stored before the bank hears of it.

Invariant: a payment id and its order are on disk before the bank hears of them, and an application gets another one
only when people have replaced one that has failed. No transaction is open while the bank is called; that is
`bank_desk.py`. What is asked for and cannot be sent now stays `requested`, as a row and not as a message, and the sweep
goes on with it.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from fundline.banks.bank import PaymentOrder
from fundline.contracts.topics import Group
from fundline.domain.application import ApplicationStatus
from fundline.domain.money import Money
from fundline.domain.payment import WITH_THE_BANK, PaymentState, change_state
from fundline.domain.release import needs_release
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.inbox import first_time
from fundline.platform.telemetry.logs import get_log
from fundline.records.cases import CaseKind, NewCase, open_case
from fundline.records.exposure import why_a_person_must_agree
from fundline.records.funding import shortage_for
from fundline.records.ledger import book_payment
from fundline.records.status import LockedApplication, lock_application
from fundline.services.disbursement_worker import store
from fundline.services.disbursement_worker.gate import Gate, Hold
from fundline.services.disbursement_worker.orders import Orders
from fundline.services.disbursement_worker.payment_entry import SOURCE, record_step
from fundline.services.disbursement_worker.store import Payment, Terms

FUNDS_ARE_ASKED_FOR_EVERY = timedelta(seconds=30)
"""By a payment that waits for the lender."""
_S = ApplicationStatus
PAID_OUT = frozenset({_S.DISBURSED, _S.FAILED, _S.RETURNED, _S.ACCOUNT_NEEDED})
"""Its payment has ended: an event that asks for one comes late."""
Submitted = tuple[Payment, PaymentOrder]
"""Stored as submitted, with the order that is now to be sent."""


class AmountDiffers(ValueError):
    """The event asks for another amount than the application has on the primary."""


class NotYetApproved(Exception):
    """Events of different topics may overtake each other; an application that stays like this is not paid."""


class Payments:
    """`step_lasts`: how long one step may take; after that the sweep takes the payment over."""

    def __init__(
        self,
        database: Database,
        orders: Orders,
        gate: Gate,
        *,
        step_lasts: timedelta,
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
    ) -> None:
        self._database, self._orders, self._gate, self._step_lasts = database, orders, gate, step_lasts
        self._now, self._fresh_id = now, fresh_id
        self._log = get_log()

    async def expect(self, event_id: UUID, application_id: UUID) -> None:
        """Open the payment of an approved application, without paying. Raises NotYetApproved or UnknownApplication."""
        async with self._database.transaction() as connection:
            if not await first_time(connection, consumer=Group.DISBURSEMENT_WORKER, event_id=event_id):
                return
            application = await lock_application(connection, application_id)
            if application.status in PAID_OUT:
                return
            opened = await self._open(connection, application)
        if opened:
            self._log.info("payment.expected", application_id=str(application_id))

    async def request(self, event_id: UUID, application_id: UUID, amount: Money) -> Submitted | None:
        """Put on record that an event asks for the payment, and submit it if it may be sent now.

        `amount` is what the event says; it is only compared: what is paid is the application's own amount.
        None: an event that was handled before, a payment that is under way or finished, or one that waits.
        Raises UnknownApplication, AmountDiffers, NotYetApproved, FundsShort, SealBroken.
        """
        reached: Submitted | Hold | None = None
        async with self._database.transaction() as connection:
            if await first_time(connection, consumer=Group.DISBURSEMENT_WORKER, event_id=event_id):
                application = await lock_application(connection, application_id)
                if application.amount != amount:
                    raise AmountDiffers(
                        f"the event asks for {amount.text()} {amount.currency}, the application has "
                        f"{application.amount.text()} {application.amount.currency}"
                    )
                reached = await self._advance(connection, application)
        return self._log_step(application_id, reached)

    async def resume(self, application_id: UUID) -> Submitted | None:
        """Submit a payment that was asked for, if it may be sent now. Raises FundsShort, SealBroken."""
        async with self._database.transaction() as connection:
            reached = await self._advance(connection, await lock_application(connection, application_id))
        return self._log_step(application_id, reached)

    async def order_again(self, sent: Payment) -> PaymentOrder | None:
        """The order on record, for a payment that the bank has never seen. Raises SealBroken, OrderChanged.

        None: it has ended meanwhile, or people are about to end it; then it must not be sent any more.
        """
        async with self._database.transaction() as connection:
            payment = await store.lock_payment(connection, sent.payment_id)
            if payment.state not in WITH_THE_BANK or await store.is_being_ended(
                connection, payment.payment_id
            ):
                return None
            terms = await store.terms_of(connection, payment.application_id)
        return self._orders.make_again(
            payment.application_id,
            payment.payment_id,
            payment.amount,
            terms.sealed_account,
            terms.payee_name,
            payment.order_text,
        )

    async def _open(self, connection: Connection, application: LockedApplication) -> bool:
        if application.status is not ApplicationStatus.APPROVED:
            raise NotYetApproved(f"the application is {application.status}, not approved")
        at = self._now()
        opened = await store.open_payment(
            connection,
            payment_id=self._fresh_id(),
            application_id=application.application_id,
            amount=application.amount,
            at=at,
        )
        if opened:
            payment = await store.lock_current_payment(connection, application.application_id)
            await record_step(connection, payment, "payment.expected", at, _amount_of(payment))
        return opened

    async def _advance(
        self, connection: Connection, application: LockedApplication
    ) -> Submitted | Hold | None:
        """As far as it may go now: submitted, or why it waits. None: others have taken it further."""
        if application.status in PAID_OUT:
            return None
        await self._open(connection, application)
        payment = await store.lock_current_payment(connection, application.application_id)
        if payment.state not in (PaymentState.EXPECTED, PaymentState.REQUESTED):
            return None
        terms = await store.terms_of(connection, application.application_id)
        if payment.state is PaymentState.EXPECTED:
            payment = await self._request(connection, payment, terms)
        if payment.needs_release and payment.released_by is None:
            return Hold.RELEASE
        hold = self._gate.hold()
        if hold is not None:
            await store.schedule(connection, payment.payment_id, self._now())
            return hold
        shortage = await shortage_for(connection, payment.amount)
        if shortage is not None:
            at = self._now()
            await open_case(connection, shortage.case(), case_id=self._fresh_id(), opened_by=SOURCE, at=at)
            await store.schedule(connection, payment.payment_id, at + FUNDS_ARE_ASKED_FOR_EVERY)
            return Hold.FUNDS
        return await self._submit(connection, payment, terms)

    async def _request(self, connection: Connection, payment: Payment, terms: Terms) -> Payment:
        at = self._now()
        because = await why_a_person_must_agree(
            connection, payment.application_id, payment.amount, by_policy=terms.is_by_policy
        )
        needs = bool(because) or needs_release(payment.amount, terms.paid_without_minor)
        reached = change_state(payment.state, PaymentState.REQUESTED)
        await connection.execute(
            *store.MARK_REQUESTED(
                payment_id=payment.payment_id,
                state=reached.value,
                at=at,
                approved_by=terms.approved_by,
                needs_release=needs,
            )
        )
        details = {
            "approvedBy": terms.approved_by,
            "needsRelease": needs,
            "because": because,
            **_amount_of(payment),
        }
        await record_step(connection, payment, "payment.requested", at, details)
        if needs:
            case = _release_case(payment, because, details)
            await open_case(connection, case, case_id=self._fresh_id(), opened_by=SOURCE, at=at)
        return replace(payment, state=reached, approved_by=terms.approved_by, needs_release=needs)

    async def _submit(self, connection: Connection, payment: Payment, terms: Terms) -> Submitted:
        at = self._now()
        order, order_text = self._orders.make(
            payment.application_id, payment.payment_id, payment.amount, terms.sealed_account, terms.payee_name
        )
        reached = change_state(payment.state, PaymentState.SUBMITTED)
        await connection.execute(
            *store.MARK_SUBMITTED(
                payment_id=payment.payment_id,
                state=reached.value,
                at=at,
                order_text=order_text,
                next_step_at=at + self._step_lasts,
            )
        )
        booked = await book_payment(
            connection, reached, payment.amount, payment_id=payment.payment_id, new_id=self._fresh_id, at=at
        )
        details = {
            "approvedBy": payment.approved_by,
            "releasedBy": payment.released_by,
            **_amount_of(payment),
        }
        evidence = order_text.encode()
        await record_step(
            connection, payment, "payment.submitted", at, details, evidence=evidence, booked=booked
        )
        return replace(payment, state=reached, order_text=order_text, submitted_at=at, steps=0), order

    def _log_step(self, application_id: UUID, reached: Submitted | Hold | None) -> Submitted | None:
        if isinstance(reached, tuple):
            self._log.info("payment.submitted", **reached[0].ids())
            return reached
        if reached is None:
            self._log.info("payment.duplicate", application_id=str(application_id))
        else:
            self._log.info("payment.waits", application_id=str(application_id), waits_for=reached.value)
        return None


def _release_case(payment: Payment, because: list[str], details: dict[str, Any]) -> NewCase:
    waits = f"A payment of {payment.amount.text()} {payment.amount.currency} waits for a second person."
    return NewCase(
        CaseKind.PAYMENT_RELEASE,
        str(payment.payment_id),
        " ".join((waits, *because)),
        payment.application_id,
        details,
    )


def _amount_of(payment: Payment) -> dict[str, Any]:
    return {"amount": payment.amount.text(), "currency": payment.amount.currency}
