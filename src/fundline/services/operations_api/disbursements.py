"""Reading payments."""

from typing import Any
from uuid import UUID

from fundline.platform.database import Database
from fundline.platform.identity import Caller, Role
from fundline.platform.refusals import Kind, Refusal
from fundline.services.operations_api import disbursement_store as store
from fundline.services.operations_api.disbursement_schemas import DisbursementQuery, disbursement_view

READERS = (Role.OPERATOR, Role.COMPLIANCE, Role.UNDERWRITER)


class DisbursementNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "disbursement-not-found"
    title = "There is no such payment"

    def __init__(self) -> None:
        super().__init__("No application with this id has a payment.")


class Disbursements:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, caller: Caller, query: DisbursementQuery) -> dict[str, Any]:
        """`{items, nextBefore}`, the newest application first. Raises Forbidden."""
        caller.require(*READERS)
        rows = await store.page_of_disbursements(
            self._database,
            before=query.before,
            state=None if query.state is None else query.state.value,
            waits_for_release=query.waits_for_release,
            limit=query.limit + 1,
        )
        items = rows[: query.limit]
        more = len(rows) > query.limit
        return {
            "items": [disbursement_view(row) for row in items],
            "nextBefore": str(items[-1]["application_id"]) if more else None,
        }

    async def one(self, caller: Caller, text: str) -> dict[str, Any]:
        """Raises Forbidden, DisbursementNotFound."""
        caller.require(*READERS)
        row = await store.find_disbursement(self._database, application_id_of(text))
        if row is None:
            raise DisbursementNotFound
        return disbursement_view(row)


def application_id_of(text: str) -> UUID:
    """Raises DisbursementNotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise DisbursementNotFound from None
