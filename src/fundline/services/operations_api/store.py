"""The SQL of cases."""

from typing import Any
from uuid import UUID

from fundline.platform.database import Database

_CASES = """
select case_id, kind, subject, application_id, summary, details::text, state, opened_by, opened_at,
       resolved_by, resolved_at, resolution
from cases
"""
ONE_CASE = _CASES + "where case_id = $1"
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
