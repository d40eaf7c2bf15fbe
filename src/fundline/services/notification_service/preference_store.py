"""The SQL of preferences."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql
from fundline.services.notification_service.mail_messages import MAILED_STATUSES

ONE = """
select email_address, email_enabled, email_statuses, webhooks_enabled, email_confirmed
from notification_preferences where subscriber = $1
"""
WANTS_MAIL = """
select exists (select from notification_preferences where subscriber = $1 and email_enabled
               and email_address = email_confirmed and $2 = any(email_statuses))
"""
ADDRESS = """
select email_address from notification_preferences
where subscriber = $1 and (email_enabled or not $2) and (email_address = email_confirmed or $3)
"""
PUT = Sql("""
insert into notification_preferences (subscriber, email_address, email_enabled, email_statuses, webhooks_enabled,
                                      updated_at)
values (:subscriber, :email_address, :email_enabled, :email_statuses, :webhooks_enabled, :at)
on conflict (subscriber) do update
    set email_address = excluded.email_address, email_enabled = excluded.email_enabled,
        email_statuses = excluded.email_statuses, webhooks_enabled = excluded.webhooks_enabled,
        updated_at = excluded.updated_at
returning email_address, email_enabled, email_statuses, webhooks_enabled, email_confirmed
""")
LOCK = Sql("""
insert into notification_preferences (subscriber, email_address, email_enabled, email_statuses, webhooks_enabled,
                                      updated_at)
values (:subscriber, :email_address, :email_enabled, :email_statuses, :webhooks_enabled, :at)
on conflict (subscriber) do update set subscriber = excluded.subscriber
""")


@dataclass(frozen=True)
class Preferences:
    """As they are for somebody who has never set any."""

    email_address: str | None = None
    email_enabled: bool = True
    email_statuses: Sequence[str] = tuple(status.value for status in MAILED_STATUSES)
    webhooks_enabled: bool = True

    def columns(self) -> dict[str, Any]:
        return {**vars(self), "email_statuses": list(self.email_statuses)}


@dataclass(frozen=True, slots=True)
class KeptPreferences:
    """As they are stored. `is_confirmed`: the address is one that its owner has confirmed."""

    preferences: Preferences
    is_confirmed: bool = False


async def find(database: Database, subscriber: str) -> KeptPreferences:
    row = await database.fetchrow(ONE, subscriber)
    return KeptPreferences(Preferences()) if row is None else kept(row)


def kept(row: Any) -> KeptPreferences:
    address = row["email_address"]
    preferences = Preferences(
        address, row["email_enabled"], tuple(row["email_statuses"]), row["webhooks_enabled"]
    )
    return KeptPreferences(preferences, address is not None and address == row["email_confirmed"])


async def wants_mail(connection: Connection, subscriber: str, status: str) -> bool:
    return bool(await connection.fetchval(WANTS_MAIL, subscriber, status))


async def address_of(
    database: Database, subscriber: str, *, only_when_on: bool, to_be_confirmed: bool
) -> str | None:
    """None when there is none; with `only_when_on` also while mail is off, and unless `to_be_confirmed` until it is."""
    row = await database.fetchrow(ADDRESS, subscriber, only_when_on, to_be_confirmed)
    return None if row is None else row["email_address"]


async def put(
    connection: Connection, subscriber: str, preferences: Preferences, at: datetime
) -> KeptPreferences:
    return kept(await connection.fetchrow(*PUT(subscriber=subscriber, at=at, **preferences.columns())))


async def lock(connection: Connection, subscriber: str, at: datetime) -> None:
    """What the subscriber owns is changed by one transaction at a time; stores the defaults when there are none."""
    await connection.execute(*LOCK(subscriber=subscriber, at=at, **Preferences().columns()))
