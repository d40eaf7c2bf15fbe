"""Reading cases."""

from uuid import UUID

from fundline.platform.database import Database
from fundline.platform.refusals import Kind, Refusal
from fundline.services.operations_api.cases import store
from fundline.services.operations_api.cases.answers import Case, CasePage, case_of
from fundline.services.operations_api.cases.schemas import CaseQuery


class CaseNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "case-not-found"
    title = "There is no such case"

    def __init__(self) -> None:
        super().__init__("No case has this id.")


class Cases:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, query: CaseQuery) -> CasePage:
        """Newest first."""
        rows = await store.page_of_cases(
            self._database, before=query.cursor, state=query.state, kind=query.kind, limit=query.limit + 1
        )
        return CasePage.of(rows, query.limit, show=case_of, id_of=lambda row: row["case_id"])

    async def one(self, case_id: UUID) -> Case:
        """Raises CaseNotFound."""
        row = await store.find_case(self._database, case_id)
        if row is None:
            raise CaseNotFound
        return case_of(row)
