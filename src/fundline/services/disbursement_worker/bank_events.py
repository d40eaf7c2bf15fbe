"""The bank's webhook: it says what became of a payment. Recorded exactly as when we ask for it.

Signed by Standard Webhooks: a timestamp more than five minutes off is refused, and within them a repetition changes
nothing. Anybody may reach this door; only the signature counts.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fundline.banks.bank import BankResult, Declined, Returned, Settled
from fundline.domain.money import Money, MoneyError
from fundline.platform import webhook_signature
from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database, RowBusy
from fundline.platform.database.idempotency import RecordBusy
from fundline.platform.http.requests import parse_body, read_body
from fundline.platform.refusals import InvalidRequest, Kind, Refusal
from fundline.platform.shapes import CamelCase
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.disbursement_worker import store
from fundline.services.disbursement_worker.metrics import PaymentMetrics
from fundline.services.disbursement_worker.results import ResultBook

LIMIT_BYTES = 16 * 1024


class SignatureRefused(Refusal):
    kind = Kind.UNAUTHENTICATED
    code = "webhook-signature-refused"
    title = "The webhook is not signed by the bank, or not now"


class PaymentNotOurs(Refusal):
    kind = Kind.NOT_FOUND
    code = "payment-not-ours"
    title = "No payment of ours has this id"


class _Part(CamelCase):
    model_config = ConfigDict(extra="ignore", frozen=True)


class EventData(_Part):
    payment_id: UUID
    amount: str
    currency: str
    transaction_id: str | None = None
    code: str | None = None


class BankEvent(_Part):
    """Fields that are not named here may be there, and are ignored."""

    type: Literal["payment.settled", "payment.declined", "payment.returned"]
    data: EventData

    def result(self) -> BankResult:
        """Raises InvalidRequest."""
        try:
            amount = Money.parse(self.data.amount, self.data.currency)
        except MoneyError as error:
            raise InvalidRequest(f"The event was not taken: {error}") from error
        if self.type == "payment.settled" and self.data.transaction_id:
            return Settled(self.data.transaction_id, amount)
        if self.type == "payment.declined" and self.data.code:
            return Declined(self.data.code, amount)
        if self.type == "payment.returned" and self.data.transaction_id and self.data.code:
            return Returned(self.data.transaction_id, self.data.code, amount)
        raise InvalidRequest(
            "A settled payment has a transactionId, a declined one a code, a returned one has both."
        )


class BankEvents:
    """`secret_file` holds one secret, or one a line while the bank changes it."""

    def __init__(
        self,
        database: Database,
        results: ResultBook,
        secret_file: Path,
        metrics: Metrics,
        *,
        now: Clock = utc_now,
    ) -> None:
        self._database, self._results, self._now = database, results, now
        self._secrets = secret_file.read_text().split()
        self._events = metrics.of(PaymentMetrics).bank_events
        self._log = get_log()

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Done: the result is on record, or contradicts it and has a case.

        Raises SignatureRefused, PaymentNotOurs, RecordBusy.
        """
        self._verify(body, headers)
        event = parse_body(BankEvent, body)
        result = event.result()
        payment_id = event.data.payment_id
        async with self._database.transaction() as connection:
            application_id = await store.application_of(connection, payment_id)
        if application_id is None:
            self._events.labels("not_ours").inc()
            self._log.error("bank_event.not_ours", payment_id=str(payment_id), type=event.type)
            raise PaymentNotOurs("We have never sent a payment with this id.")
        try:
            recorded = await self._results.record(payment_id, result)
        except RowBusy:  # a worker is at it; the bank tells us again
            raise RecordBusy from None
        self._events.labels(recorded.value).inc()

    def _verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        try:
            webhook_signature.check_signature(self._secrets, headers, body, now=self._now())
        except webhook_signature.SignatureRefused as error:
            self._events.labels("refused").inc()
            self._log.warning("bank_event.refused", cause=str(error))
            raise SignatureRefused(str(error)) from None


def bank_event_routes(events: BankEvents) -> list[Route]:
    async def receive(request: Request) -> Response:
        await events.receive(await read_body(request, LIMIT_BYTES), request.headers)
        return Response(status_code=204)

    return [Route("/bank/events", receive, methods=["POST"])]
