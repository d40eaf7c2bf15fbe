"""The SQL of confirming addresses."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql

ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended(lower($1), 31))"
SENT_LATELY = "select count(*) from email_codes where lower(address) = lower($1) and sent_at > $2"
ADD = Sql("""
insert into email_codes (code_id, subscriber, address, digest, sent_at)
values (:code_id, :subscriber, :address, :digest, :sent_at)
""")
TRY_LAST = """
update email_codes set tries = tries + 1
where code_id = (select code_id from email_codes where subscriber = $1 order by code_id desc limit 1)
returning address, digest, sent_at, tries
"""
CONFIRM = """
update notification_preferences set email_confirmed = email_address, updated_at = $3
where subscriber = $1 and email_address = $2
returning email_address, email_enabled, email_statuses, webhooks_enabled, email_confirmed
"""
FORGET = "delete from email_codes where sent_at < $1"


@dataclass(frozen=True, slots=True)
class SentCode:
    code_id: UUID
    subscriber: str
    address: str
    digest: bytes
    sent_at: datetime


async def sent_lately(connection: Connection, address: str, since: datetime) -> int:
    """How many codes went there, whoever asked; nobody else adds one before the transaction ends."""
    await connection.execute(ONE_AT_A_TIME, address)
    count: int = await connection.fetchval(SENT_LATELY, address, since)
    return count


async def add(connection: Connection, code: SentCode) -> None:
    await connection.execute(
        *ADD(
            code_id=code.code_id,
            subscriber=code.subscriber,
            address=code.address,
            digest=code.digest,
            sent_at=code.sent_at,
        )
    )


async def try_last(database: Database, subscriber: str) -> Any | None:
    """The code that counts, with this try counted, whatever comes of it."""
    return await database.fetchrow(TRY_LAST, subscriber)


async def confirm(connection: Connection, subscriber: str, address: str, at: datetime) -> Any | None:
    """The preferences as they are now; None when they name another address."""
    return await connection.fetchrow(CONFIRM, subscriber, address, at)


async def forget(database: Database, sent_before: datetime) -> None:
    await database.execute(FORGET, sent_before)
