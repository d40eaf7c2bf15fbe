"""The worker's Kafka doors: which outcome each refusal of the use cases is."""

from collections.abc import Iterator
from contextlib import contextmanager

from fundline.casefile.status import UnknownApplication
from fundline.contracts.payloads import DisbursementRequested, RiskScoringCompleted
from fundline.domain.money import Money, MoneyError
from fundline.platform.database import RowBusy
from fundline.platform.http.client import CallNotSent
from fundline.platform.kafka.messages import Event, Poison, RetryLater
from fundline.platform.secrets import SealBroken
from fundline.services.disbursement_worker.payment_gateway import BankBusy
from fundline.services.disbursement_worker.use_cases import (
    AmountDiffers,
    NotYetApproved,
    PaymentRequest,
    PaymentUnresolved,
    Payout,
)


class ScoringCompleted:
    """Opens the record of an approved application; never pays."""

    def __init__(self, payout: Payout, *, within_s: float) -> None:
        self._payout, self._within_s = payout, within_s

    async def __call__(self, event: Event[RiskScoringCompleted]) -> None:
        if event.payload.status != "approved":
            return
        with _as_outcomes(self._within_s):
            await self._payout.expect(event.envelope.event_id, event.payload.application_id)


class PaymentRequested:
    """The only trigger of a payment."""

    def __init__(self, payout: Payout, *, within_s: float) -> None:
        self._payout, self._within_s = payout, within_s

    async def __call__(self, event: Event[DisbursementRequested]) -> None:
        payload = event.payload
        with _as_outcomes(self._within_s):
            amount = Money.parse(payload.amount, payload.currency)
            await self._payout.pay(PaymentRequest(event.envelope.event_id, payload.application_id, amount))


@contextmanager
def _as_outcomes(within_s: float) -> Iterator[None]:
    """What is not named here is a bug, or a bank that breaks its contract: retried, then dead-lettered."""
    try:
        yield
    except (UnknownApplication, AmountDiffers, MoneyError, SealBroken) as error:
        raise Poison(f"{type(error).__name__}: {error}") from error
    except NotYetApproved as early:
        raise RetryLater(str(early)) from early
    except (CallNotSent, BankBusy, PaymentUnresolved) as unresolved:
        raise RetryLater(f"{type(unresolved).__name__}: {unresolved}", within_s=within_s) from unresolved
    except RowBusy as busy:
        raise RetryLater("the application is locked by another transaction", within_s=within_s) from busy
