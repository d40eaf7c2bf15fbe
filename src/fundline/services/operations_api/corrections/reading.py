"""Reading corrections of the ledger."""

from uuid import UUID

from fundline.platform.database import Database
from fundline.platform.refusals import Kind, Refusal
from fundline.services.operations_api.corrections import store
from fundline.services.operations_api.corrections.answers import (
    LedgerCorrection,
    LedgerCorrectionPage,
    correction_of,
)
from fundline.services.operations_api.corrections.schemas import CorrectionQuery


class CorrectionNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "correction-not-found"
    title = "There is no such correction"

    def __init__(self) -> None:
        super().__init__("No correction of the ledger has this id.")


class Corrections:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, query: CorrectionQuery) -> LedgerCorrectionPage:
        """Newest first."""
        rows = await store.page(self._database, before=query.cursor, state=query.state, limit=query.limit + 1)
        return LedgerCorrectionPage.of(
            rows, query.limit, show=correction_of, id_of=lambda row: row["correction_id"]
        )

    async def one(self, correction_id: UUID) -> LedgerCorrection:
        """Raises CorrectionNotFound."""
        row = await store.find(self._database, correction_id)
        if row is None:
            raise CorrectionNotFound
        return correction_of(row)
