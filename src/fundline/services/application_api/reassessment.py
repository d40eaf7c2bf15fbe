"""An underwriter has a referral assessed once more; the earlier assessment stays on record.

Useful where a model was away, or another one has been promoted since.
"""

import orjson

from fundline.casefile.scoring import request_scoring
from fundline.casefile.status import LockedApplication, move_application
from fundline.domain.application import ApplicationStatus
from fundline.platform.audit.trail import AuditEntry, application_stream, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import StoredAnswer, WriteKey
from fundline.platform.http.requests import parse_body
from fundline.platform.identity import Caller, Role
from fundline.platform.telemetry.logs import get_log
from fundline.services.application_api.reading import application_id_of
from fundline.services.application_api.referral import act_on_referral
from fundline.services.application_api.schemas import ReassessmentRequest
from fundline.services.application_api.submission import SOURCE


class Reassessment:
    def __init__(self, database: Database, *, now: Clock = utc_now, fresh_id: NewId = new_id) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._log = get_log()

    async def request(self, caller: Caller, key: WriteKey, text: str, body: bytes) -> StoredAnswer:
        """202 and `{id, status}`. Raises Forbidden, ApplicationNotFound, NotUnderReview, KeyReused."""
        caller.require(Role.UNDERWRITER)
        reason = parse_body(ReassessmentRequest, body).reason
        application_id = application_id_of(text)
        answer = orjson.dumps({"id": str(application_id), "status": ApplicationStatus.RISK_SCORING.value})

        async def work(connection: Connection, application: LockedApplication) -> None:
            await self._request(connection, application, f"{SOURCE}:{caller.subject}", reason)

        given = await act_on_referral(
            self._database, caller, key, application_id, StoredAnswer(202, answer, is_replay=False), work
        )
        if not given.is_replay:
            self._log.info(
                "application.reassessment_requested",
                application_id=str(application_id),
                **{"user.id": caller.subject},
            )
        return given

    async def _request(
        self, connection: Connection, application: LockedApplication, actor: str, reason: str
    ) -> None:
        at = self._now()
        stream = application_stream(application.application_id)
        await record(connection, AuditEntry(stream, actor, "reassessment.requested", at, reason))
        await move_application(
            connection,
            application,
            ApplicationStatus.RISK_SCORING,
            at=at,
            actor=actor,
            new_id=self._fresh_id,
            metadata={"reassessment": reason},
        )
        await request_scoring(connection, application, source=SOURCE, at=at, event_id=self._fresh_id())
