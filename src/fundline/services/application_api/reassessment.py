"""An underwriter has a referral assessed once more; the earlier assessment stays on record.

Useful where a model was away, or another one has been promoted since.
"""

from uuid import UUID

from fundline.domain.application import ApplicationStatus
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.idempotency import Once
from fundline.platform.identity import Caller
from fundline.platform.telemetry.logs import get_log
from fundline.records.audit_streams import application_stream
from fundline.records.scoring import request_scoring
from fundline.records.status import LockedApplication, move_application
from fundline.services.application_api.answers import Reassessing
from fundline.services.application_api.referral import act_on_referral
from fundline.services.application_api.schemas import ReassessmentRequest
from fundline.services.application_api.submission import SOURCE


class Reassessment:
    def __init__(self, database: Database, *, now: Clock = utc_now, fresh_id: NewId = new_id) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._log = get_log()

    async def request(
        self, caller: Caller, application_id: UUID, request: ReassessmentRequest, once: Once[Reassessing]
    ) -> Reassessing:
        """Raises what `act_on_referral` raises."""

        async def work(connection: Connection, application: LockedApplication) -> Reassessing:
            await self._request(connection, application, f"{SOURCE}:{caller.subject}", request.reason)
            return Reassessing(id=application_id, status="risk_scoring")

        reassessing = await act_on_referral(self._database, caller, application_id, once, work)
        self._log.info(
            "application.reassessment_requested",
            application_id=str(application_id),
            **{"user.id": caller.subject},
        )
        return reassessing

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
            metadata={"askedBy": "underwriter"},
        )
        await request_scoring(connection, application, source=SOURCE, at=at, event_id=self._fresh_id())
