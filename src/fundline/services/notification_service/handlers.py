"""The notification service's Kafka doors."""

from collections.abc import Iterator
from contextlib import contextmanager

from fundline.contracts.payloads import DisbursementCompleted, StatusUpdated
from fundline.platform.kafka.messages import Event, Poison
from fundline.services.notification_service.announcement import Announcement, UnknownSubject


class StatusChanged:
    def __init__(self, announcement: Announcement) -> None:
        self._announcement = announcement

    async def __call__(self, event: Event[StatusUpdated]) -> None:
        with _as_outcomes():
            await self._announcement.status_updated(event.envelope.event_id, event.payload)


class PaymentFinished:
    def __init__(self, announcement: Announcement) -> None:
        self._announcement = announcement

    async def __call__(self, event: Event[DisbursementCompleted]) -> None:
        with _as_outcomes():
            await self._announcement.disbursement_completed(event.envelope.event_id, event.payload)


@contextmanager
def _as_outcomes() -> Iterator[None]:
    try:
        yield
    except UnknownSubject as error:
        raise Poison(str(error)) from error
