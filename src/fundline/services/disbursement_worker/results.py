"""Recording what the bank said: state, books, the application's status and the event, in one transaction."""

from enum import StrEnum
from uuid import UUID

from fundline.banks.bank import BankResult, Declined, Returned, Settled, Unclear
from fundline.domain.application import ApplicationStatus
from fundline.domain.payment import FINISHED, PaymentState
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.cases import CaseKind, NewCase, note_on_case, open_case
from fundline.records.metrics import ApplicationMetrics
from fundline.records.payment_results import PaymentResult, Writing, write_result
from fundline.records.status import LockedApplication, lock_application
from fundline.services.disbursement_worker import store
from fundline.services.disbursement_worker.contradictions import LOST, contradiction, description
from fundline.services.disbursement_worker.metrics import PaymentMetrics
from fundline.services.disbursement_worker.payment_entry import SOURCE
from fundline.services.disbursement_worker.store import Payment


class Recorded(StrEnum):
    """What recording a result came to."""

    NOW = "recorded"
    BEFORE = "repeated"
    """The same result was on record already."""
    CONTRADICTED = "contradicted"
    """Something else is on record: it stands, and a case is open."""
    HELD = "held"
    """It agrees with the record, and the bank has said something else before: people must resolve that case first."""


class ResultBook:
    def __init__(
        self, database: Database, metrics: Metrics, *, now: Clock = utc_now, fresh_id: NewId = new_id
    ) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._applications = metrics.of(ApplicationMetrics).applications
        self._contradicted = metrics.of(PaymentMetrics).payments_contradicted
        self._returned = metrics.of(PaymentMetrics).payments_returned
        self._log = get_log()

    async def record(self, payment_id: UUID, result: BankResult | Unclear) -> Recorded:
        """However often and from wherever the same result comes. Raises PaymentMissing."""
        async with self._database.transaction() as connection:
            application, payment = await self._lock(connection, payment_id)
            sentence = contradiction(payment, result)
            if sentence or isinstance(result, Unclear):
                await self._contradict(connection, payment, sentence)
                recorded = Recorded.CONTRADICTED
            elif _is_known(payment, result):
                recorded = Recorded.BEFORE
            elif await store.is_held(connection, payment.payment_id):
                sentence = f"The bank now says {description(result)}."
                await self._contradict(connection, payment, sentence)
                recorded = Recorded.HELD
            else:
                await write_result(connection, application, payment, _of(result), self._writing(result))
                recorded = Recorded.NOW
        self._log_result(payment, result, recorded, sentence)
        return recorded

    async def record_lost(self, payment_id: UUID) -> None:
        """The bank had accepted the payment and does not know it any more: a case, and nothing else changes."""
        async with self._database.transaction() as connection:
            _, payment = await self._lock(connection, payment_id)
            if payment.state in FINISHED:
                return
            await self._contradict(connection, payment, LOST)
        self._log_contradiction(payment, LOST)

    async def _lock(self, connection: Connection, payment_id: UUID) -> tuple[LockedApplication, Payment]:
        """The application first, as whoever pays does."""
        application_id = await store.application_of(connection, payment_id)
        if application_id is None:
            raise store.PaymentMissing(f"there is no payment {payment_id}")
        application = await lock_application(connection, application_id)
        return application, await store.lock_payment(connection, payment_id)

    def _log_result(
        self, payment: Payment, result: BankResult | Unclear, recorded: Recorded, sentence: str
    ) -> None:
        if recorded is Recorded.CONTRADICTED:
            self._log_contradiction(payment, sentence)
        elif recorded is Recorded.HELD:
            self._log.warning("payment.held", cause=sentence, **payment.ids())
        elif recorded is Recorded.NOW and isinstance(result, Settled):
            self._applications.labels(ApplicationStatus.DISBURSED.value).inc()
            self._log.info("payment.settled", transaction_id=result.transaction_id, **payment.ids())
        elif recorded is Recorded.NOW and isinstance(result, Returned):
            self._applications.labels(ApplicationStatus.RETURNED.value).inc()
            self._returned.inc()
            self._log.error("payment.returned", code=result.code, **payment.ids())
        elif recorded is Recorded.NOW and isinstance(result, Declined):
            self._applications.labels(ApplicationStatus.FAILED.value).inc()
            self._log.warning("payment.declined", code=result.code, **payment.ids())

    def _log_contradiction(self, payment: Payment, sentence: str) -> None:
        self._contradicted.inc()
        self._log.error("payment.contradicted", cause=sentence, **payment.ids())

    def _writing(self, result: BankResult) -> Writing:
        """A person who was asked to look, by the sweep or by the reconciler, need not look any more."""
        became = _of(result).reached.value
        return Writing(
            SOURCE,
            self._now(),
            self._fresh_id,
            settles=(CaseKind.PAYMENT_UNKNOWN,),
            resolution=f"The bank has said what became of the payment: {became}.",
        )

    async def _contradict(self, connection: Connection, payment: Payment, sentence: str) -> None:
        """Nothing on record is written over: people must find out what is true. A further sentence joins the case."""
        at = self._now()
        case = NewCase(
            CaseKind.PAYMENT_CONTRADICTED,
            str(payment.payment_id),
            sentence,
            payment.application_id,
            {
                "cause": "lost" if sentence == LOST else "contradicted",
                "state": payment.state.value,
                "amount": payment.amount.text(),
                "currency": payment.amount.currency,
            },
        )
        if not await open_case(connection, case, case_id=self._fresh_id(), opened_by=SOURCE, at=at):
            await note_on_case(connection, case, note_id=self._fresh_id(), noted_by=SOURCE, at=at)


def _of(result: BankResult) -> PaymentResult:
    """The bank's word as a result of the payment."""
    if isinstance(result, Returned):
        return PaymentResult(PaymentState.RETURNED, result.transaction_id, result.code)
    if isinstance(result, Settled):
        return PaymentResult(PaymentState.SETTLED, result.transaction_id)
    return PaymentResult(PaymentState.FAILED, code=result.code)


def _is_known(payment: Payment, result: BankResult) -> bool:
    """Nothing new; a settled payment may still come back."""
    return payment.state in FINISHED and not (
        payment.state is PaymentState.SETTLED and isinstance(result, Returned)
    )
