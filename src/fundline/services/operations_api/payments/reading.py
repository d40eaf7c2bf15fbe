"""Reading payments."""

from uuid import UUID

from fundline.platform.database import Database
from fundline.platform.refusals import Kind, Refusal
from fundline.services.operations_api.payments import store
from fundline.services.operations_api.payments.answers import Payment, PaymentPage, payment_of
from fundline.services.operations_api.payments.schemas import PaymentQuery


class PaymentNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "disbursement-not-found"
    title = "There is no such payment"

    def __init__(self) -> None:
        super().__init__("No application with this id has a payment.")


class Payments:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, query: PaymentQuery) -> PaymentPage:
        """The newest application first."""
        rows = await store.page_of_payments(
            self._database,
            before=query.cursor,
            state=None if query.state is None else query.state.value,
            waits_for_release=query.waits_for_release,
            limit=query.limit + 1,
        )
        return PaymentPage.of(rows, query.limit, show=payment_of, id_of=lambda row: row["application_id"])

    async def one(self, application_id: UUID) -> Payment:
        """Raises PaymentNotFound."""
        row = await store.find_payment(self._database, application_id)
        if row is None:
            raise PaymentNotFound
        return payment_of(row)
