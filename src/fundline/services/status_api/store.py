"""All SQL of the status service. Reads only, and from the primary: a status is as fresh as its commit."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from fundline.platform.database import Database
from fundline.services.status_api.schemas import StatusChange, status_change

_CHANGE = """
select a.application_id, a.tracking_id, a.user_id, h.sequence, h.status, h.occurred_at, h.metadata::text as metadata
"""
CURRENT_STATUS = (
    _CHANGE
    + """
from applications a
join application_status_history h on h.application_id = a.application_id and h.sequence = a.status_sequence
where a.application_id = $1
"""
)
HISTORY = (
    _CHANGE
    + """
from applications a join application_status_history h on h.application_id = a.application_id
where a.application_id = $1 and h.sequence >= $2
order by h.sequence
"""
)
NEWER_OF_MANY = (
    _CHANGE
    + """
from unnest($1::uuid[], $2::int[]) as open (application_id, newest)
join applications a on a.application_id = open.application_id and a.status_sequence > open.newest
join application_status_history h on h.application_id = a.application_id and h.sequence > open.newest
order by a.application_id, h.sequence
"""
)
APPLICATION_OF_TRACKING_ID = "select application_id from applications where tracking_id = $1"


async def current_status(database: Database, application_id: str) -> StatusChange | None:
    row = await database.fetchrow(CURRENT_STATUS, UUID(application_id))
    return None if row is None else _change(row)


async def history(database: Database, application_id: str, first: int) -> list[StatusChange]:
    """Every change from the sequence `first` on, in order."""
    return [_change(row) for row in await database.fetch(HISTORY, UUID(application_id), first)]


async def newer_of_many(database: Database, newest: Mapping[str, int]) -> list[StatusChange]:
    """By application id the newest sequence known; returns what is newer, in order per application."""
    ids = [UUID(application_id) for application_id in newest]
    return [_change(row) for row in await database.fetch(NEWER_OF_MANY, ids, list(newest.values()))]


async def application_of(database: Database, tracking_id: str) -> str | None:
    row = await database.fetchrow(APPLICATION_OF_TRACKING_ID, tracking_id)
    return None if row is None else str(row["application_id"])


def _change(row: Any) -> StatusChange:
    return status_change(
        application_id=str(row["application_id"]),
        tracking_id=row["tracking_id"],
        owner=row["user_id"],
        status=row["status"],
        sequence=row["sequence"],
        updated_at=row["occurred_at"],
        metadata=orjson.loads(row["metadata"]),
    )
