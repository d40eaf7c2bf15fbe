"""A person says how a case was settled. About money two must: the first proposes, another agrees.

What a case is about is settled elsewhere (a release, a replay, a booking); this closes what such a deed has not closed.
"""

import orjson

from fundline.casefile.cases import CaseKind, case_details, case_stream
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import StoredAnswer, WriteKey, write_once
from fundline.platform.http.requests import parse_body
from fundline.platform.identity import Caller, Role
from fundline.platform.refusals import Kind, Refusal
from fundline.platform.telemetry.logs import get_log
from fundline.services.operations_api import store
from fundline.services.operations_api.cases import CaseNotFound, case_id_of
from fundline.services.operations_api.four_eyes import actor_of, require_uninvolved
from fundline.services.operations_api.schemas import ResolutionRequest, case_view


class CaseResolved(Refusal):
    kind = Kind.CONFLICT
    code = "case-resolved"
    title = "The case is resolved"


class CaseResolution:
    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database, self._now = database, now
        self._log = get_log()

    async def resolve(self, caller: Caller, key: WriteKey, text: str, body: bytes) -> StoredAnswer:
        """200 and the case; one about money stays open until somebody else agrees, and who proposed may say it anew.

        Raises Forbidden, SecondPersonNeeded for the applicant, CaseNotFound, CaseResolved, KeyReused, RecordBusy.
        """
        caller.require(Role.OPERATOR)
        case_id, wanted = case_id_of(text), parse_body(ResolutionRequest, body).resolution

        async def work(connection: Connection) -> tuple[int, bytes]:
            applicant = await store.lock_application_of(connection, case_id)
            case = await store.lock_case(connection, case_id)
            if case is None:
                raise CaseNotFound
            if case["state"] == "resolved":
                raise CaseResolved(f"{case['resolved_by']} has resolved it; there is nothing left to do.")
            require_uninvolved(caller, first=None, applicant=applicant)
            proposed_by, at, said = case["proposed_by"], self._now(), wanted
            is_first = CaseKind(case["kind"]).is_about_money and proposed_by in {None, caller.subject}
            if is_first:
                await store.propose(connection, case_id, by=caller.subject, at=at, resolution=wanted)
            else:
                said = case["proposed_resolution"] or wanted
                await store.resolve(connection, case_id, by=actor_of(caller), at=at, resolution=said)
            action = "case.resolution_proposed" if is_first else "case.resolved"
            details = await case_details(connection, case_id, case["kind"], case["subject"])
            if proposed_by is not None:
                details |= {"proposedBy": proposed_by, "resolution": said}
            stream = case_stream(case["subject"], case["application_id"])
            await record(connection, AuditEntry(stream, actor_of(caller), action, at, wanted, details))
            return 200, orjson.dumps(case_view(await store.lock_case(connection, case_id)))

        answer = await write_once(self._database, key, work)
        if not answer.is_replay:
            told = orjson.loads(answer.body)
            self._log.info(
                "case.resolved" if told["state"] == "resolved" else "case.resolution_proposed",
                case_id=told["id"],
                kind=told["kind"],
                application_id=told["applicationId"],
                **{"user.id": caller.subject},
            )
        return answer
