"""Turning an event into notifications: one row per channel and recipient, in one transaction with the inbox.

Nothing is sent here.
"""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from fundline.contracts.payloads import DisbursementCompleted, StatusUpdated
from fundline.contracts.topics import Group
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Connection, Database
from fundline.platform.database.inbox import first_time
from fundline.platform.telemetry.logs import get_log
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.notification_service import announcement_store as store
from fundline.services.notification_service.channel import Channels
from fundline.services.notification_service.metrics import NotificationMetrics
from fundline.services.notification_service.told import Subject, Told, of_result, of_status


class UnknownSubject(LookupError):
    """No application with this id exists: an event that names it is poison."""


class Announcement:
    """`wake` tells the courier that there is work; it is called after the commit.

    What became true longer than `told_within` ago is told to nobody: it comes from a mirror or a restored topic, and
    the inbox, which knew it, has forgotten it.
    """

    def __init__(
        self,
        database: Database,
        channels: Channels,
        *,
        told_within: timedelta,
        metrics: Metrics,
        wake: Callable[[], None] = lambda: None,
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
    ) -> None:
        self._database, self._channels, self._wake = database, channels, wake
        self._now, self._fresh_id = now, fresh_id
        self._told_within, self._metrics = told_within, metrics.of(NotificationMetrics)
        self._log = get_log()

    async def status_updated(self, event_id: UUID, payload: StatusUpdated) -> None:
        """Raises UnknownSubject."""
        await self._announce(event_id, payload, lambda subject: of_status(payload, subject))

    async def disbursement_completed(self, event_id: UUID, payload: DisbursementCompleted) -> None:
        """Raises UnknownSubject."""
        await self._announce(event_id, payload, lambda subject: of_result(payload, subject))

    async def _announce(
        self,
        event_id: UUID,
        payload: StatusUpdated | DisbursementCompleted,
        told_of: Callable[[Subject], Told],
    ) -> None:
        application_id, age = payload.application_id, self._now() - payload.timestamp
        async with self._database.transaction() as connection:
            if not await first_time(connection, consumer=Group.NOTIFICATION_SERVICE, event_id=event_id):
                return
            subject = await store.find_subject(connection, application_id)
            if subject is None:
                raise UnknownSubject(f"no application has the id {application_id}")
            is_told = age <= self._told_within
            if is_told:
                await self._store(connection, event_id, told_of(subject))
        if is_told:
            self._wake()
        else:
            self._metrics.notifications_too_old.inc()
            self._log.warning(
                "notification.too_old", application_id=str(application_id), age_s=int(age.total_seconds())
            )

    async def _store(self, connection: Connection, event_id: UUID, told: Told) -> None:
        at = self._now()
        for channel in self._channels:
            for letter in await channel.letters(connection, told):
                notification = store.NewNotification(
                    self._fresh_id(),
                    event_id,
                    channel.name,
                    letter,
                    told.place,
                    told.subject.application_id,
                )
                await store.add(connection, notification, at)
