"""Who changed which model decides: written by the operations API and by the guardrail, read by risk workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import orjson

from fundline.platform.audit.rows import ROWS, read_rows
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.database.sql import Sql
from fundline.records.recorded_tables import MODEL_CHANGES

Action: TypeAlias = Literal["promoted", "rolled_back", "tripped", "reset"]


TRIPPED = """
select model_version from (
    select distinct on (model_version) model_version, action
    from model_changes where action in ('tripped', 'reset')
    order by model_version, change desc
) latest where action = 'tripped'
"""
"""A promotion alone does not lift a trip: that takes a reset."""


TRIPS = """
select distinct on (model_version) model_version, reason
from model_changes where action = 'tripped' order by model_version, change desc
"""


LAST_SPLIT_CHANGE = """
select action, model_version, share_percent, figures -> 'before' ->> 'champion' as champion_before
from model_changes where action in ('promoted', 'rolled_back')
order by change desc limit 1
"""


RECORD_CHANGE = Sql(
    """
insert into model_changes (actor, action, model_version, share_percent, reason, figures)
values (:actor, :action, :version, :share_percent, :reason, :figures::jsonb)
returning change, changed_at
"""
)


@dataclass(frozen=True, slots=True)
class SplitChange:
    action: Action
    version: str
    share_percent: int | None
    champion_before: str | None


class Queries(Protocol):
    """The pool, a connection of it in a transaction, or the leader's own connection."""

    async def fetch(self, sql: str, /, *arguments: Any) -> Sequence[Any]: ...


class Transaction(Queries, Protocol):
    """A connection in a transaction."""

    async def execute(self, sql: str, /, *arguments: Any) -> Any: ...


async def tripped_versions(database: Queries) -> frozenset[str]:
    return frozenset(row["model_version"] for row in await database.fetch(TRIPPED))


async def last_trips(database: Queries) -> dict[str, str]:
    """By version: why it was switched off last, whether or not that was lifted since."""
    return {row["model_version"]: row["reason"] for row in await database.fetch(TRIPS)}


async def last_split_change(database: Queries) -> SplitChange | None:
    """The last promotion or rollback of any version."""
    rows = await database.fetch(LAST_SPLIT_CHANGE)
    if not rows:
        return None
    row = rows[0]
    return SplitChange(row["action"], row["model_version"], row["share_percent"], row["champion_before"])


async def record_change(
    connection: Transaction,
    action: Action,
    version: str,
    *,
    source: str,
    actor: str,
    reason: str,
    share_percent: int | None = None,
    figures: Mapping[str, Any] | None = None,
) -> None:
    """In the caller's transaction, with its audit entry. `source` is the process, `actor` who made it do so."""
    text = None if figures is None else orjson.dumps(figures).decode()
    (row,) = await connection.fetch(
        *RECORD_CHANGE(
            actor=actor,
            action=action,
            version=version,
            share_percent=share_percent,
            reason=reason,
            figures=text,
        )
    )
    who = source if source == actor else f"{source}:{actor}"
    rows = await read_rows(connection, MODEL_CHANGES, [row["change"]])
    details = {"change": row["change"], "modelVersion": version, "sharePercent": share_percent, ROWS: rows}
    await record(
        connection,
        AuditEntry(f"model:{version}", who, f"model.{action}", row["changed_at"], reason, details),
    )
