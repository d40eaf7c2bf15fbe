"""A channel that nobody has built yet, as somebody would build it: short messages to a telephone."""

from collections.abc import Sequence

from fundline.platform.database import Connection
from fundline.services.notification_service.channel import (
    Channel,
    Delivery,
    DeliveryResult,
    Letter,
    Outcome,
)
from fundline.services.notification_service.told import Told

MIGRATION = """
alter table notifications
    drop constraint notifications_channel_known,
    add constraint notifications_channel_known check (channel in ('email', 'webhook', 'sms'))
"""
LANE = "sms gateway"


class ShortMessages(Channel):
    name = "sms"

    def __init__(self, numbers: dict[str, str]) -> None:
        """`numbers`: by owner; a real one reads them from a table of its own."""
        self.numbers, self.is_open = numbers, True
        self.sent: list[tuple[str, str]] = []

    @property
    def closed_lanes(self) -> Sequence[str]:
        return () if self.is_open else (LANE,)

    async def letters(self, connection: Connection, told: Told) -> Sequence[Letter]:
        owner = told.subject.owner
        text = f"{told.subject.tracking_id}: {told.status}"
        return [Letter(owner, told.kind, text, LANE)] if owner in self.numbers else []

    async def deliver(self, delivery: Delivery) -> Outcome:
        number = self.numbers.get(delivery.recipient)
        if number is None:
            return Outcome(DeliveryResult.UNWANTED, "The subscriber has no number any more.")
        self.sent.append((number, delivery.body))
        return Outcome(DeliveryResult.DELIVERED)
