"""The reconciler's SQL on states, the outbox, cases and its own runs. The bank's side is in `bank_store.py`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from fundline.platform.database import Connection, Database
from fundline.platform.database.sql import Sql
from fundline.services.reconciler.findings import SOURCE, Run

OVERDUE = """
select u.what, u.application_id, u.subject, u.state, u.since, d.deadline, d.owner, d.runbook,
       coalesce(a.attempts, 0) as attempts
from unfinished_states u join state_deadlines d using (what, state)
left join reconciliation_attempts a using (what, subject, since)
where u.since + d.deadline <= $1 and (a.last_at is null or a.given_up_at is not null or a.last_at + d.deadline <= $1)
    and not exists (select 1 from outbox o where o.key = u.application_id and o.topic = any($3))
order by a.given_up_at nulls first, u.since limit $2
"""
STILL_THERE = Sql("""
select 1 from unfinished_states left join reconciliation_attempts a using (what, subject, since)
where what = :what and application_id = :application_id and state = :state and since = :since
    and coalesce(a.attempts, 0) = :attempts
""")
COUNT_ATTEMPT = """
insert into reconciliation_attempts as a (what, subject, since, attempts, last_at) values ($1, $2, $3, 1, $4)
on conflict on constraint reconciliation_attempts_one_per_state
do update set attempts = a.attempts + 1, last_at = excluded.last_at
"""
GIVE_UP = """
insert into reconciliation_attempts as a (what, subject, since, attempts, last_at, given_up_at)
values ($1, $2, $3, 0, $4, $4)
on conflict on constraint reconciliation_attempts_one_per_state
do update set given_up_at = coalesce(a.given_up_at, excluded.given_up_at)
"""
CASES_OF_THE_PAST = """
select c.subject from cases c
where c.state = 'open' and c.kind = 'application_stuck' and c.opened_by = $1 and not exists (
    select 1 from unfinished_states u where u.what = c.details ->> 'what' and u.application_id = c.application_id
        and u.subject::text = c.subject and u.since = (c.details ->> 'since')::timestamptz)
limit $2
"""
APPROVER = """
select coalesce(u.decided_by, r.policy_version || '/' || r.model_version)
from risk_assessments r left join underwriter_decisions u using (application_id)
where application_id = $1 order by assessment desc limit 1
"""
LOOK_UP_SOONER = """
update disbursements set next_step_at = $2::timestamptz
where payment_id = $1 and state in ('submitted', 'unknown', 'settled')
    and (next_step_at is null or next_step_at > $2::timestamptz + interval '1 minute')
returning payment_id
"""
"""What is due within a minute may be under way: it is left alone."""
OLDEST_EVENT = """
select topic, created_at, extract(epoch from clock_timestamp() - created_at)::float8 as age_s
from outbox order by position limit 1
"""
STORE_RUN = Sql("""
insert into reconciliation_runs
    (run_id, started_at, finished_at, is_full, found, repaired, cases_opened, unchecked)
values (:run_id, :started_at, :finished_at, :is_full, :found::jsonb, :repaired::jsonb, :cases_opened,
        :unchecked::jsonb)
""")
FULL_SINCE = (
    "select 1 from reconciliation_runs where is_full and unchecked = '{}' and started_at > $1 limit 1"
)
FORGET_RUNS = "delete from reconciliation_runs where started_at < $1"
FORGET_ATTEMPTS = "delete from reconciliation_attempts where last_at < $1"


@dataclass(frozen=True, slots=True)
class Overdue:
    """A state that is past its deadline. `subject` is the payment's id where `what` is `disbursement`."""

    what: str
    application_id: UUID
    subject: UUID
    state: str
    since: datetime
    deadline: timedelta
    owner: str
    runbook: str
    attempts: int
    """How often it was helped on."""


async def overdue(database: Database, *, at: datetime, topics: list[str], limit: int) -> list[Overdue]:
    """What no person has first. What an event in the outbox will move on is not overdue: it waits."""
    return [Overdue(**row) for row in await database.fetch(OVERDUE, at, limit, topics)]


async def is_still_there(connection: Connection, late: Overdue) -> bool:
    """And nobody has helped since it was read. Call with the application locked: from then on nobody moves it."""
    found = await connection.fetchval(
        *STILL_THERE(
            what=late.what,
            application_id=late.application_id,
            state=late.state,
            since=late.since,
            attempts=late.attempts,
        )
    )
    return found is not None


async def count_attempt(connection: Connection, late: Overdue, at: datetime) -> None:
    await connection.execute(COUNT_ATTEMPT, late.what, late.subject, late.since, at)


async def give_up(connection: Connection, late: Overdue, at: datetime) -> None:
    await connection.execute(GIVE_UP, late.what, late.subject, late.since, at)


async def cases_of_the_past(database: Database, limit: int) -> list[str]:
    """Subjects of our open cases about a state that has been left since."""
    return [row["subject"] for row in await database.fetch(CASES_OF_THE_PAST, SOURCE, limit)]


async def approver(connection: Connection, application_id: UUID) -> str | None:
    """The underwriter's subject, else policy and model of the last assessment; None when nothing says so."""
    found: str | None = await connection.fetchval(APPROVER, application_id)
    return found


async def look_up_sooner(connection: Connection, payment_id: UUID, at: datetime) -> bool:
    """Let a worker's sweep ask the bank now. False when it is about to, or there is a result."""
    return await connection.fetchval(LOOK_UP_SOONER, payment_id, at) is not None


@dataclass(frozen=True, slots=True)
class OldestEvent:
    topic: str
    created_at: datetime
    age_s: float


async def oldest_event(database: Database) -> OldestEvent | None:
    """Of the outbox, by the database's own clock; None when it is empty."""
    row = await database.fetchrow(OLDEST_EVENT)
    return None if row is None else OldestEvent(**row)


async def is_full_since(database: Database, moment: datetime) -> bool:
    """Whether a full run that could look at everything has begun after the moment."""
    return await database.fetchrow(FULL_SINCE, moment) is not None


async def store_run(database: Database, run: Run, *, keep_from: datetime) -> None:
    """Keeps the run, and forgets runs and attempts from before `keep_from`."""
    async with database.transaction() as connection:
        await connection.execute(
            *STORE_RUN(
                run_id=run.run_id,
                started_at=run.started_at,
                finished_at=run.finished_at,
                is_full=run.is_full,
                found=orjson.dumps(run.found()).decode(),
                repaired=orjson.dumps(run.repaired()).decode(),
                cases_opened=run.cases_opened(),
                unchecked=orjson.dumps(run.unchecked).decode(),
            )
        )
        await connection.execute(FORGET_RUNS, keep_from)
        await connection.execute(FORGET_ATTEMPTS, keep_from)
