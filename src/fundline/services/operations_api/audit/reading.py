"""Reading the audit trail of an application. Who has read it is on record too, in a stream beside it."""

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Database
from fundline.platform.identity import Caller
from fundline.platform.refusals import Kind, Refusal
from fundline.records.story import find_application, story_of
from fundline.services.operations_api.audit.answers import AuditedEntry, AuditTrailPage
from fundline.services.operations_api.audit.schemas import AuditQuery
from fundline.services.operations_api.four_eyes import actor_of


class AuditedApplicationNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "audited-application-not-found"
    title = "There is no such application"

    def __init__(self) -> None:
        super().__init__("No application has this id or tracking id.")


class AuditTrail:
    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database, self._now = database, now

    async def page(self, caller: Caller, reference: str, query: AuditQuery) -> AuditTrailPage:
        """`reference`: the application's id or tracking id. Raises AuditedApplicationNotFound."""
        found = await find_application(self._database, reference)
        if found is None:
            raise AuditedApplicationNotFound
        application_id = found["application_id"]
        entries = await story_of(self._database, application_id, after=query.after, limit=query.limit + 1)
        await self._record_reading(caller, str(application_id))
        shown = [AuditedEntry.model_validate(entry) for entry in entries[: query.limit]]
        return AuditTrailPage(
            application_id=application_id,
            tracking_id=found["tracking_id"],
            user_id=found["user_id"],
            status=found["status"],
            entries=shown,
            next_after=shown[-1].sequence if len(entries) > query.limit else None,
        )

    async def _record_reading(self, caller: Caller, application_id: str) -> None:
        """Not in the application's own stream: a story does not grow by being told."""
        entry = AuditEntry(
            f"reading:{application_id}",
            actor_of(caller),
            "audit.read",
            self._now(),
            details={"role": caller.role.value},
        )
        async with self._database.transaction() as connection:
            await record(connection, entry)
