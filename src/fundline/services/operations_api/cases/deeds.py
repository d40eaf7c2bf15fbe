"""A person says how a case was settled. About money two must: the first proposes, another agrees.

What a case is about is settled elsewhere (a release, a replay, a booking); this closes what such a deed has not closed.
"""

from uuid import UUID

from fundline.domain.people import same_person
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.platform.refusals import Kind, Refusal
from fundline.platform.telemetry.logs import get_log
from fundline.records.cases import CaseKind, case_details, case_stream
from fundline.services.operations_api.cases import store
from fundline.services.operations_api.cases.answers import Case, case_of
from fundline.services.operations_api.cases.reading import CaseNotFound
from fundline.services.operations_api.four_eyes import actor_of, require_uninvolved


class CaseResolved(Refusal):
    kind = Kind.CONFLICT
    code = "case-resolved"
    title = "The case is resolved"


class CaseResolution:
    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database, self._now = database, now
        self._log = get_log()

    async def resolve(self, caller: Caller, case_id: UUID, resolution: str, once: Once[Case]) -> Case:
        """One about money stays open until somebody else agrees, and who proposed may say it anew.

        Raises SecondPersonNeeded for the applicant, CaseNotFound, CaseResolved, and what `once.write` raises.
        """

        async def work(connection: Connection) -> Case:
            return await self._resolve(connection, caller, case_id, resolution)

        case = await once.write(self._database, work)
        self._log.info(
            "case.resolved" if case.state == "resolved" else "case.resolution_proposed",
            case_id=str(case.id),
            kind=case.kind.value,
            application_id=None if case.application_id is None else str(case.application_id),
            **{"user.id": caller.subject},
        )
        return case

    async def _resolve(self, connection: Connection, caller: Caller, case_id: UUID, resolution: str) -> Case:
        applicant = await store.lock_application_of(connection, case_id)
        case = await store.lock_case(connection, case_id)
        if case is None:
            raise CaseNotFound
        if case["state"] == "resolved":
            raise CaseResolved(f"{case['resolved_by']} has resolved it; there is nothing left to do.")
        require_uninvolved(caller, first=None, applicant=applicant)
        proposed_by, at, agreed = case["proposed_by"], self._now(), resolution
        is_first = CaseKind(case["kind"]).is_about_money and (
            proposed_by is None or same_person(proposed_by, caller.subject)
        )
        if is_first:
            await store.propose(connection, case_id, by=caller.subject, at=at, resolution=resolution)
        else:
            agreed = case["proposed_resolution"] or resolution
            await store.resolve(connection, case_id, by=actor_of(caller), at=at, resolution=agreed)
        action = "case.resolution_proposed" if is_first else "case.resolved"
        details = await case_details(connection, case_id, case["kind"], case["subject"])
        if proposed_by is not None:
            details |= {"proposedBy": proposed_by, "resolution": agreed}
        stream = case_stream(case["subject"], case["application_id"])
        await record(connection, AuditEntry(stream, actor_of(caller), action, at, resolution, details))
        return case_of(await store.lock_case(connection, case_id))
