"""The SQL of turning an event into notifications."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fundline.domain.money import Money
from fundline.platform.database import Connection
from fundline.services.notification_service.messages import Subject

SUBJECT = """
select a.application_id, a.tracking_id, a.user_id, a.business ->> 'legalName' as business_name, a.amount_minor,
       a.currency, u.reason as underwriter_reason
from applications a left join underwriter_decisions u on u.application_id = a.application_id
where a.application_id = $1
"""
WANTS_MAIL = """
select exists (select from notification_preferences where subscriber = $1 and email_enabled
               and email_address is not null and $2 = any(email_statuses))
"""
ENDPOINTS = """
select e.endpoint_id, e.lane from webhook_endpoints e
left join notification_preferences p on p.subscriber = e.owner
where e.owner = $1 and e.state = 'active' and $2 = any(e.event_types) and coalesce(p.webhooks_enabled, true)
order by e.endpoint_id
"""
INSERT = """
insert into notifications (notification_id, event_id, channel, recipient, endpoint_id, application_id, place, kind,
                           body, lane, state, due_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', $11, $11)
on conflict on constraint notifications_once_per_event do nothing
"""
MAIL_LANE = "mail server"
"""No host has a blank in its name."""


@dataclass(frozen=True, slots=True)
class NewNotification:
    """`endpoint_id` None: a mail, and `recipient` the subscriber. `application_id` None: about no application."""

    notification_id: UUID
    event_id: UUID
    recipient: str
    kind: str
    body: str
    lane: str
    place: int = 0
    endpoint_id: UUID | None = None
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
        row["underwriter_reason"],
    )


async def wants_mail(connection: Connection, subscriber: str, status: str) -> bool:
    return bool(await connection.fetchval(WANTS_MAIL, subscriber, status))


async def endpoints_of(connection: Connection, owner: str, kind: str) -> Sequence[Any]:
    """`endpoint_id` and `lane` of each that wants this kind of event."""
    return await connection.fetch(ENDPOINTS, owner, kind)


async def add(connection: Connection, new: NewNotification, at: datetime) -> None:
    """Nothing happens when the event has been told to this recipient over this channel."""
    await connection.execute(
        INSERT,
        new.notification_id,
        new.event_id,
        "email" if new.endpoint_id is None else "webhook",
        new.recipient,
        new.endpoint_id,
        new.application_id,
        new.place,
        new.kind,
        new.body,
        new.lane,
        at,
    )
