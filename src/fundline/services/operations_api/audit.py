"""Reading the audit trail of an application. Who has read it is on record too, in a stream beside it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from fundline.casefile.story import find_application, story_of
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database
from fundline.platform.identity import Caller, Role
from fundline.platform.refusals import Kind, Refusal

SOURCE = "operations-api"
READERS = (Role.COMPLIANCE, Role.OPERATOR)


class AuditedApplicationNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "audited-application-not-found"
    title = "There is no such application"

    def __init__(self) -> None:
        super().__init__("No application has this id or tracking id.")


class AuditQuery(BaseModel):
    """`after`: the sequence of the last entry of the page before."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 200


class AuditTrail:
    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database, self._now = database, now

    async def page(self, caller: Caller, text: str, query: AuditQuery) -> dict[str, Any]:
        """`{applicationId, trackingId, userId, status, entries, nextAfter}`, oldest first; `nextAfter` None at the end.

        Raises Forbidden, AuditedApplicationNotFound.
        """
        caller.require(*READERS)
        found = await find_application(self._database, text)
        if found is None:
            raise AuditedApplicationNotFound
        application_id = found["application_id"]
        entries = await story_of(self._database, application_id, after=query.after, limit=query.limit + 1)
        await self._record_reading(caller, str(application_id))
        shown = entries[: query.limit]
        return {
            "applicationId": str(application_id),
            "trackingId": found["tracking_id"],
            "userId": found["user_id"],
            "status": found["status"],
            "entries": shown,
            "nextAfter": shown[-1]["sequence"] if len(entries) > query.limit else None,
        }

    async def _record_reading(self, caller: Caller, application_id: str) -> None:
        """Not in the application's own stream: a story does not grow by being told."""
        entry = AuditEntry(
            f"reading:{application_id}",
            f"{SOURCE}:{caller.subject}",
            "audit.read",
            self._now(),
            details={"role": caller.role.value},
        )
        async with self._database.transaction() as connection:
            await record(connection, entry)
