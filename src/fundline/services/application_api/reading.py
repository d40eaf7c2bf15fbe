"""Reading applications: one, or a page. Who may not see an application is told that it does not exist."""

from functools import partial
from uuid import UUID

from fundline.platform.database import Database
from fundline.platform.identity import Caller
from fundline.platform.paging import Page
from fundline.platform.refusals import Kind, Refusal
from fundline.services.application_api import store
from fundline.services.application_api.answers import Application
from fundline.services.application_api.schemas import ListQuery
from fundline.services.application_api.views import application_answer


class ApplicationNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "application-not-found"
    title = "There is no such application"

    def __init__(self) -> None:
        super().__init__("No application with this id is visible to you.")


class Reading:
    """From the primary: who has just written sees what was written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def one(self, caller: Caller, application_id: UUID) -> Application:
        """Raises ApplicationNotFound."""
        row = await store.find(self._database, application_id)
        if row is None or not (caller.sees_everything or row["user_id"] == caller.subject):
            raise ApplicationNotFound
        return application_answer(row, to_lender=caller.sees_everything)

    async def page(self, caller: Caller, query: ListQuery) -> Page[Application]:
        """Newest first."""
        rows = await store.page(
            self._database,
            owner=None if caller.sees_everything else caller.subject,
            before=query.cursor,
            status=query.status,
            limit=query.limit + 1,
        )
        show = partial(application_answer, to_lender=caller.sees_everything)
        return Page[Application].of(rows, query.limit, show=show, id_of=lambda row: row["application_id"])
