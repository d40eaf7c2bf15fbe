"""The SQL of the delivery queue: taking what is due, and recording how it went."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql
from fundline.services.notification_service.channel import Delivery, Outcome

TAKE = Sql("""
with recursive lanes as (
    (select lane from notifications where state = 'waiting' order by lane limit 1)
    union all
    select (select n.lane from notifications n
            where n.state = 'waiting' and n.lane > lanes.lane order by n.lane limit 1)
    from lanes where lanes.lane is not null
), free as (
    select lanes.lane, greatest(:per_lane - coalesce(used.number, 0), 0) as room
    from lanes left join unnest(:used_lanes::text[], :used_numbers::integer[]) as used (lane, number)
                         on used.lane = lanes.lane
    where lanes.lane is not null
), due as (
    select found.notification_id
    from free cross join lateral (
        select n.notification_id from notifications n
        where n.lane = free.lane and n.state = 'waiting' and n.due_at <= :now and n.channel = any(:channels)
          and not exists (select from notifications earlier
                          where earlier.recipient = n.recipient and earlier.application_id = n.application_id
                            and earlier.state = 'waiting' and earlier.attempts = 0 and earlier.place < n.place)
        order by n.due_at, n.notification_id limit free.room for update of n skip locked
    ) found
    limit :limit
), taken as (
    update notifications n set due_at = :leased_until from due where n.notification_id = due.notification_id
    returning n.*
)
select notification_id, channel, recipient, kind, body, lane, attempts, failures, endpoint_id, application_id
from taken order by notification_id
""")
"""Every lane gets its room, whatever the length of another's queue: lanes are found by skipping through the index.

Of one application and recipient, nothing is taken before the first attempt of what happened earlier has ended. The
lease is `due_at` itself: moved into the future, so that what is not recorded becomes due again by itself.
"""

FINISH = Sql("""
update notifications set state = :state, attempts = attempts + 1, failures = :failures, due_at = :due_at,
       finished_at = case when :state = 'waiting' then null else :at::timestamptz end
where notification_id = :notification_id and attempts = :attempts and state = 'waiting'
returning notification_id
""")
LOG_ATTEMPT = Sql("""
insert into notification_attempts (notification_id, attempt, started_at, duration_ms, result, response_status,
                                   response_excerpt, detail)
values (:notification_id, :attempt, :started_at, :duration_ms, :result, :response_status, :response_excerpt,
        :detail)
""")
PUT_OFF = (
    "update notifications set due_at = $3 where notification_id = $1 and attempts = $2 and state = 'waiting'"
)
FORGET = """
delete from notifications where ctid = any(array(
    select ctid from notifications where state <> 'waiting' and finished_at < $1 limit $2))
"""
DEPTH = """
select channel, count(*) as waiting,
       coalesce(extract(epoch from $1 - min(due_at) filter (where due_at <= $1)), 0)::float8 as overdue_s
from notifications where state = 'waiting' group by channel
"""
_STEP = 1000


async def take(
    database: Database,
    *,
    now: datetime,
    leased_until: datetime,
    per_lane: int,
    used: Mapping[str, int],
    limit: int,
    channels: Sequence[str],
) -> list[Delivery]:
    """What is due and has room in its lane; nobody else gets it before `leased_until`.

    Only of `channels`: while a new release is rolled out, another instance may know one that this one does not.
    """
    rows = await database.fetch(
        *TAKE(
            now=now,
            leased_until=leased_until,
            per_lane=per_lane,
            used_lanes=list(used),
            used_numbers=list(used.values()),
            limit=limit,
            channels=list(channels),
        )
    )
    return [Delivery(**dict(row)) for row in rows]


async def finish(
    connection: Connection,
    delivery: Delivery,
    *,
    state: str,
    failures: int,
    due_at: datetime,
    at: datetime,
) -> bool:
    """False when somebody else has recorded this attempt, or the notification was cancelled or is gone."""
    done = await connection.fetchval(
        *FINISH(
            notification_id=delivery.notification_id,
            attempts=delivery.attempts,
            state=state,
            failures=failures,
            due_at=due_at,
            at=at,
        )
    )
    return done is not None


async def log_attempt(
    connection: Connection, delivery: Delivery, outcome: Outcome, *, started_at: datetime, duration_ms: int
) -> None:
    await connection.execute(
        *LOG_ATTEMPT(
            notification_id=delivery.notification_id,
            attempt=delivery.attempts + 1,
            started_at=started_at,
            duration_ms=duration_ms,
            result=outcome.result.value,
            response_status=outcome.response_status,
            response_excerpt=outcome.response_excerpt,
            detail=outcome.detail,
        )
    )


async def put_off(database: Database, delivery: Delivery, until: datetime) -> None:
    """It waits on, as if it had not been taken."""
    await database.execute(PUT_OFF, delivery.notification_id, delivery.attempts, until)


async def forget(database: Database, finished_before: datetime) -> int:
    """One step; how many it forgot."""
    return int((await database.execute(FORGET, finished_before, _STEP)).rsplit(" ", 1)[-1])


async def depth(database: Database, now: datetime) -> Sequence[Any]:
    """`channel`, `waiting`, `overdue_s` of each channel that has something."""
    return await database.fetch(DEPTH, now)
