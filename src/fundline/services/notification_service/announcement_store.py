"""The SQL of turning an event into notifications."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fundline.domain.money import Money
from fundline.platform.database import Connection
from fundline.platform.database.sql import Sql
from fundline.services.notification_service.channel import Letter
from fundline.services.notification_service.told import Subject

SUBJECT = """
select application_id, tracking_id, user_id, business ->> 'legalName' as business_name, amount_minor, currency
from applications where application_id = $1
"""
INSERT = Sql("""
insert into notifications (notification_id, event_id, channel, recipient, endpoint_id, application_id, place, kind,
                           body, lane, state, due_at, created_at)
values (:notification_id, :event_id, :channel, :recipient, :endpoint_id, :application_id, :place, :kind,
        :body, :lane, 'waiting', :at, :at)
on conflict on constraint notifications_once_per_event do nothing
""")


@dataclass(frozen=True, slots=True)
class NewNotification:
    """`application_id` None: about no application."""

    notification_id: UUID
    event_id: UUID
    channel: str
    letter: Letter
    place: int = 0
    application_id: UUID | None = None


async def find_subject(connection: Connection, application_id: UUID) -> Subject | None:
    row = await connection.fetchrow(SUBJECT, application_id)
    if row is None:
        return None
    return Subject(
        row["application_id"],
        row["tracking_id"],
        row["user_id"],
        row["business_name"] or "",
        Money(row["amount_minor"], row["currency"]),
    )


async def add(connection: Connection, new: NewNotification, at: datetime) -> None:
    """Nothing happens when the event has been told to this recipient over this channel."""
    letter = new.letter
    await connection.execute(
        *INSERT(
            notification_id=new.notification_id,
            event_id=new.event_id,
            channel=new.channel,
            recipient=letter.recipient,
            endpoint_id=letter.endpoint_id,
            application_id=new.application_id,
            place=new.place,
            kind=letter.kind,
            body=letter.body,
            lane=letter.lane,
            at=at,
        )
    )
