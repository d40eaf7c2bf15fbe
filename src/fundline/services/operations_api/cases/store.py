"""The SQL of cases."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fundline.platform.database import Connection, Database

_CASES = """
select case_id, kind, subject, application_id, summary, details::text, state, opened_by, opened_at,
       resolved_by, resolved_at, resolution, proposed_by, proposed_at, proposed_resolution,
       (select coalesce(jsonb_agg(jsonb_build_object(
                   'sentence', n.sentence, 'notedBy', n.noted_by, 'notedAt', n.noted_at) order by n.note_id), '[]')
        from case_notes n where n.case_id = cases.case_id)::text as notes
from cases
"""
ONE_CASE = _CASES + "where case_id = $1"
LOCKED_CASE = ONE_CASE + " for update"
LOCK_APPLICATION = """
select user_id from applications where application_id = (select application_id from cases where case_id = $1)
for no key update
"""
PROPOSE = "update cases set proposed_by = $2, proposed_at = $3, proposed_resolution = $4 where case_id = $1"
RESOLVE = """
update cases set state = 'resolved', resolved_by = $2, resolved_at = $3, resolution = $4 where case_id = $1
"""
PAGE_OF_CASES = (
    _CASES
    + """
where ($1::uuid is null or case_id < $1) and ($2::text is null or state = $2) and ($3::text is null or kind = $3)
order by case_id desc limit $4
"""
)


async def find_case(database: Database, case_id: UUID) -> Any | None:
    return await database.fetchrow(ONE_CASE, case_id)


async def page_of_cases(
    database: Database, *, before: UUID | None, state: str | None, kind: str | None, limit: int
) -> list[Any]:
    """Newest first."""
    return await database.fetch(PAGE_OF_CASES, before, state, kind, limit)


async def lock_case(connection: Connection, case_id: UUID) -> Any | None:
    """Raises RowBusy."""
    return await connection.fetchrow(LOCKED_CASE, case_id)


async def lock_application_of(connection: Connection, case_id: UUID) -> str | None:
    """Whom the case's application belongs to, if it is about one. Before the case, as whoever pays locks them."""
    subject: str | None = await connection.fetchval(LOCK_APPLICATION, case_id)
    return subject


async def propose(connection: Connection, case_id: UUID, *, by: str, at: datetime, resolution: str) -> None:
    await connection.execute(PROPOSE, case_id, by, at, resolution)


async def resolve(connection: Connection, case_id: UUID, *, by: str, at: datetime, resolution: str) -> None:
    await connection.execute(RESOLVE, case_id, by, at, resolution)
