"""The worker's Kafka doors: which outcome each refusal of the use cases is.

A payment that has been asked for is a row, and the sweep goes on with it: no bank that is away, slow or silent ever
keeps a message alive or makes it a dead letter.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from fundline.contracts.payloads import DisbursementRequested, RiskScoringCompleted
from fundline.domain.money import Money, MoneyError
from fundline.platform.kafka.messages import Event, Poison, RetryLater
from fundline.platform.secrets import SealBroken
from fundline.records.funding import FundsShort
from fundline.records.status import UnknownApplication
from fundline.services.disbursement_worker.bank_desk import BankDesk
from fundline.services.disbursement_worker.payments import (
    AmountDiffers,
    NotYetApproved,
    Payments,
)


class ScoringCompleted:
    """Opens the payment of an approved application; never pays."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    async def __call__(self, event: Event[RiskScoringCompleted]) -> None:
        if event.payload.status != "approved":
            return
        with _as_outcomes():
            await self._payments.expect(event.envelope.event_id, event.payload.application_id)


class PaymentRequested:
    """The only trigger of a payment."""

    def __init__(self, payments: Payments, desk: BankDesk) -> None:
        self._payments, self._desk = payments, desk

    async def __call__(self, event: Event[DisbursementRequested]) -> None:
        payload = event.payload
        with _as_outcomes():
            amount = Money.parse(payload.amount, payload.currency)
            submitted = await self._payments.request(event.envelope.event_id, payload.application_id, amount)
            if submitted is not None:
                await self._desk.send(*submitted)


@contextmanager
def _as_outcomes() -> Iterator[None]:
    """What is not named here is a bug: retried, then dead-lettered."""
    try:
        yield
    except (UnknownApplication, AmountDiffers, MoneyError, SealBroken) as error:
        raise Poison(f"{type(error).__name__}: {error}") from error
    except (NotYetApproved, FundsShort) as early:
        raise RetryLater(str(early)) from early
