"""Reading endings of payments."""

from uuid import UUID

from fundline.platform.database import Database
from fundline.platform.refusals import Kind, Refusal
from fundline.services.operations_api.payment_endings import store
from fundline.services.operations_api.payment_endings.answers import (
    PaymentEnding,
    PaymentEndingPage,
    ending_of,
)
from fundline.services.operations_api.payment_endings.schemas import EndingQuery


class EndingNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "ending-not-found"
    title = "There is no such ending"

    def __init__(self) -> None:
        super().__init__("No ending of a payment has this id.")


class Endings:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, query: EndingQuery) -> PaymentEndingPage:
        """Newest first."""
        rows = await store.page(self._database, before=query.cursor, state=query.state, limit=query.limit + 1)
        return PaymentEndingPage.of(rows, query.limit, show=ending_of, id_of=lambda row: row["ending_id"])

    async def one(self, ending_id: UUID) -> PaymentEnding:
        """Raises EndingNotFound."""
        row = await store.find(self._database, ending_id)
        if row is None:
            raise EndingNotFound
        return ending_of(row)
