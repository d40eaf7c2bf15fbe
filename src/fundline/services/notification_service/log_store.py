"""The SQL of the delivery log, redelivery and tests of an endpoint."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql

PAGE = Sql("""
select n.notification_id, n.kind, n.application_id, n.state, n.created_at, n.due_at, n.body,
       coalesce((
           select json_agg(json_build_object(
               'number', a.attempt,
               'startedAt', to_char(a.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'durationMs', a.duration_ms, 'result', a.result, 'responseStatus', a.response_status,
               'response', a.response_excerpt, 'detail', a.detail) order by a.attempt desc)
           from (select * from notification_attempts a where a.notification_id = n.notification_id
                 order by attempt desc limit :attempts_shown) a
       ), '[]')::text as attempts
from notifications n
where n.endpoint_id = :endpoint_id and (:before::uuid is null or n.notification_id < :before)
      and (:state::text is null or n.state = :state)
order by n.notification_id desc limit :limit
""")
STATE = "select state from notifications where endpoint_id = $1 and notification_id = $2 for update"
REDELIVER = """
update notifications set state = 'waiting', failures = 0, due_at = $2, finished_at = null where notification_id = $1
"""
ATTEMPTS_SHOWN = 20


async def page(
    database: Database, endpoint_id: UUID, *, before: UUID | None, state: str | None, limit: int
) -> Sequence[Any]:
    """Newest first, each with its last attempts, newest first."""
    return await database.fetch(
        *PAGE(endpoint_id=endpoint_id, before=before, state=state, limit=limit, attempts_shown=ATTEMPTS_SHOWN)
    )


async def lock_state(connection: Connection, endpoint_id: UUID, notification_id: UUID) -> str | None:
    state: str | None = await connection.fetchval(STATE, endpoint_id, notification_id)
    return state


async def redeliver(connection: Connection, notification_id: UUID, at: datetime) -> None:
    """Due at once, from the beginning of the schedule, under the same id."""
    await connection.execute(REDELIVER, notification_id, at)
