"""The API's Kafka door: an approval by the policy asks for the payment."""

from fundline.contracts.payloads import RiskScoringCompleted
from fundline.contracts.topics import Group
from fundline.domain.application import ApplicationStatus
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Database
from fundline.platform.database.inbox import first_time
from fundline.platform.kafka.messages import Event, Poison
from fundline.platform.telemetry.logs import get_log
from fundline.records.payment_request import request_payment
from fundline.records.status import UnknownApplication, lock_application

SOURCE = "application-events"


class ScoringCompleted:
    def __init__(self, database: Database, *, now: Clock = utc_now, fresh_id: NewId = new_id) -> None:
        self._database, self._now, self._fresh_id = database, now, fresh_id
        self._log = get_log()

    async def __call__(self, event: Event[RiskScoringCompleted]) -> None:
        """A rejection or a referral needs nothing from us: the risk worker has moved the status already."""
        payload = event.payload
        if payload.status != "approved":
            return
        try:
            asked = await self._request_payment(event)
        except UnknownApplication as error:
            raise Poison(str(error)) from error
        if asked:
            self._log.info("disbursement.requested", application_id=str(payload.application_id))

    async def _request_payment(self, event: Event[RiskScoringCompleted]) -> bool:
        payload = event.payload
        async with self._database.transaction() as connection:
            if not await first_time(
                connection, consumer=Group.APPLICATION_EVENTS, event_id=event.envelope.event_id
            ):
                return False
            application = await lock_application(connection, payload.application_id)
            if application.status is not ApplicationStatus.APPROVED:
                return False  # decided otherwise or paid meanwhile: the primary knows better than the event
            await request_payment(
                connection,
                application,
                approved_by=f"{payload.policy_version}/{payload.model_version}",
                source=SOURCE,
                at=self._now(),
                event_id=self._fresh_id(),
            )
        return True
