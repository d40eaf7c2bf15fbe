"""Reading cases."""

from typing import Any
from uuid import UUID

from fundline.platform.database import Database
from fundline.platform.identifiers import uuid_in
from fundline.platform.identity import Caller, Role
from fundline.platform.refusals import Kind, Refusal
from fundline.services.operations_api import store
from fundline.services.operations_api.schemas import CaseQuery, case_view

READERS = (Role.OPERATOR, Role.COMPLIANCE)


class CaseNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "case-not-found"
    title = "There is no such case"

    def __init__(self) -> None:
        super().__init__("No case has this id.")


class Cases:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, caller: Caller, query: CaseQuery) -> dict[str, Any]:
        """`{items, nextBefore}`, newest first; `nextBefore` is None on the last page. Raises Forbidden."""
        caller.require(*READERS)
        rows = await store.page_of_cases(
            self._database, before=query.before, state=query.state, kind=query.kind, limit=query.limit + 1
        )
        items = rows[: query.limit]
        more = len(rows) > query.limit
        return {
            "items": [case_view(row) for row in items],
            "nextBefore": str(items[-1]["case_id"]) if more else None,
        }

    async def one(self, caller: Caller, text: str) -> dict[str, Any]:
        """Raises Forbidden, CaseNotFound."""
        caller.require(*READERS)
        row = await store.find_case(self._database, case_id_of(text))
        if row is None:
            raise CaseNotFound
        return case_view(row)


def case_id_of(text: str) -> UUID:
    """Raises CaseNotFound."""
    case_id = uuid_in(text)
    if case_id is None:
        raise CaseNotFound
    return case_id
