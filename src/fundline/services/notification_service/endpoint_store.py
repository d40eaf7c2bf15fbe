"""The SQL of webhook endpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql

_SHOWN = """
select endpoint_id, owner, url, lane, description, event_types, state, disabled_because, retired_until, failing_since,
       created_at, updated_at
from webhook_endpoints
"""
ONE = _SHOWN + "where endpoint_id = $1"
LOCK = _SHOWN + "where endpoint_id = $1 for update"
PAGE = (
    _SHOWN
    + """
where ($1::text is null or owner = $1) and ($2::uuid is null or endpoint_id < $2)
order by endpoint_id desc limit $3
"""
)
THAT_WANT = """
select e.endpoint_id, e.lane from webhook_endpoints e
left join notification_preferences p on p.subscriber = e.owner
where e.owner = $1 and e.state = 'active' and $2 = any(e.event_types) and coalesce(p.webhooks_enabled, true)
order by e.endpoint_id
"""
TARGET = "select url, secret, retired_secret, retired_until from webhook_endpoints where endpoint_id = $1"
COUNT = "select count(*) from webhook_endpoints where owner = $1"
INSERT = Sql("""
insert into webhook_endpoints (endpoint_id, owner, url, lane, description, event_types, state, secret, created_at,
                               updated_at)
values (:endpoint_id, :owner, :url, :lane, :description, :event_types, 'active', :secret, :at, :at)
""")
CHANGE = Sql("""
update webhook_endpoints
set url = :url, lane = :lane, description = :description, event_types = :event_types, updated_at = :at
where endpoint_id = :endpoint_id
""")
MOVE_QUEUE = "update notifications set lane = $2 where endpoint_id = $1 and state = 'waiting'"
ENABLE = """
update webhook_endpoints set state = 'active', disabled_because = null, failing_since = null, updated_at = $2
where endpoint_id = $1
"""
DISABLE = """
update webhook_endpoints set state = 'disabled', disabled_because = $2, updated_at = $3
where endpoint_id = $1 and state = 'active'
returning owner, url
"""
CANCEL_QUEUE = """
update notifications set state = 'cancelled', finished_at = $2 where endpoint_id = $1 and state = 'waiting'
"""
DELETE = "delete from webhook_endpoints where endpoint_id = $1"
ROTATE = """
update webhook_endpoints set retired_secret = secret, retired_until = $3, secret = $2, updated_at = $4
where endpoint_id = $1
"""
SUCCEEDED = (
    "update webhook_endpoints set failing_since = null where endpoint_id = $1 and failing_since is not null"
)
FAILED = """
update webhook_endpoints set failing_since = coalesce(failing_since, $2) where endpoint_id = $1
returning failing_since
"""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook goes, and the sealed secrets that sign it; `retired_secret` until `retired_until`."""

    url: str
    secret: bytes
    retired_secret: bytes | None
    retired_until: datetime | None


async def find(database: Database, endpoint_id: UUID) -> Any | None:
    return await database.fetchrow(ONE, endpoint_id)


async def page(database: Database, *, owner: str | None, before: UUID | None, limit: int) -> Sequence[Any]:
    """Newest first; `owner` None means everybody's."""
    return await database.fetch(PAGE, owner, before, limit)


async def that_want(connection: Connection, owner: str, kind: str) -> Sequence[Any]:
    """`endpoint_id` and `lane` of each that wants this kind of event."""
    return await connection.fetch(THAT_WANT, owner, kind)


async def target(database: Database, endpoint_id: UUID) -> Target | None:
    row = await database.fetchrow(TARGET, endpoint_id)
    return None if row is None else Target(**dict(row))


async def lock(connection: Connection, endpoint_id: UUID) -> Any | None:
    return await connection.fetchrow(LOCK, endpoint_id)


async def count_of(connection: Connection, owner: str) -> int:
    return int(await connection.fetchval(COUNT, owner))


async def insert(
    connection: Connection,
    endpoint_id: UUID,
    *,
    owner: str,
    url: str,
    lane: str,
    description: str,
    event_types: Sequence[str],
    secret: bytes,
    at: datetime,
) -> None:
    await connection.execute(
        *INSERT(
            endpoint_id=endpoint_id,
            owner=owner,
            url=url,
            lane=lane,
            description=description,
            event_types=list(event_types),
            secret=secret,
            at=at,
        )
    )


async def change(
    connection: Connection,
    endpoint_id: UUID,
    *,
    url: str,
    lane: str,
    description: str,
    event_types: Sequence[str],
    at: datetime,
) -> None:
    """What waits goes to the new URL too."""
    await connection.execute(
        *CHANGE(
            endpoint_id=endpoint_id,
            url=url,
            lane=lane,
            description=description,
            event_types=list(event_types),
            at=at,
        )
    )
    await connection.execute(MOVE_QUEUE, endpoint_id, lane)


async def enable(connection: Connection, endpoint_id: UUID, at: datetime) -> None:
    await connection.execute(ENABLE, endpoint_id, at)


async def disable(connection: Connection, endpoint_id: UUID, because: str, at: datetime) -> Any | None:
    """`owner` and `url`; None when it was disabled before. What waits is cancelled; it may be redelivered later."""
    disabled = await connection.fetchrow(DISABLE, endpoint_id, because, at)
    if disabled is not None:
        await connection.execute(CANCEL_QUEUE, endpoint_id, at)
    return disabled


async def delete(connection: Connection, endpoint_id: UUID) -> None:
    """With its queue and its delivery log."""
    await connection.execute(DELETE, endpoint_id)


async def rotate(
    connection: Connection, endpoint_id: UUID, secret: bytes, *, retired_until: datetime, at: datetime
) -> None:
    """The present secret becomes the retired one; one that was retired before no longer signs."""
    await connection.execute(ROTATE, endpoint_id, secret, retired_until, at)


async def note_success(connection: Connection, endpoint_id: UUID) -> None:
    await connection.execute(SUCCEEDED, endpoint_id)


async def note_failure(connection: Connection, endpoint_id: UUID, at: datetime) -> datetime | None:
    """Since when it fails without a success; None when the endpoint is gone."""
    since: datetime | None = await connection.fetchval(FAILED, endpoint_id, at)
    return since
