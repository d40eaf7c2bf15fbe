"""All SQL of the experiment: who changed which model decides, and how the models fare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

import orjson

from fundline.platform.audit.rows import ROWS, read_rows
from fundline.platform.audit.trail import AuditEntry, record
from fundline.records.recorded_tables import MODEL_CHANGES
from fundline.services.risk_worker.drift import Tally

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

LAST_CHANGE = """
select action, changed_at from model_changes where model_version = $1 order by change desc limit 1
"""

LAST_SPLIT_CHANGE = """
select action, model_version, share_percent, figures -> 'before' ->> 'champion' as champion_before
from model_changes where action in ('promoted', 'rolled_back')
order by change desc limit 1
"""

RECORD_CHANGE = """
insert into model_changes (actor, action, model_version, share_percent, reason, figures)
values ($1, $2, $3, $4, $5, $6::jsonb)
returning change, changed_at
"""

TALLIES = """
select model_asked as version, count(*) as decisions, count(fallback_cause) as errors,
       count(*) filter (where fallback_cause is null and verdict = 'approved') as approved
from risk_assessments
where assessed_at >= $1 and model_asked = any($2::text[])
group by model_asked
"""

OUTCOMES = """
select model_asked as version, count(*) as decisions, count(fallback_cause) as errors,
       count(*) filter (where fallback_cause is null and verdict = 'approved') as approved,
       count(*) filter (where fallback_cause is null and verdict = 'pending_review') as referred,
       avg(risk_score) filter (where fallback_cause is null) as mean_score
from risk_assessments
where assessed_at >= $1 and model_asked is not null
group by model_asked
order by model_asked
"""

_PAIRS = """
with both_scored as (
    select verdict, risk_score as score, shadow ->> 'verdict' as shadow_verdict,
           (shadow ->> 'riskScore')::numeric as shadow_score, model_asked = $2 as champion_decided
    from risk_assessments
    where assessed_at >= $1 and fallback_cause is null and shadow ->> 'riskScore' is not null
      and ((model_asked = $2 and shadow ->> 'modelVersion' = $3)
           or (model_asked = $3 and shadow ->> 'modelVersion' = $2))
), pairs as (
    select case when champion_decided then verdict else shadow_verdict end as champion_verdict,
           case when champion_decided then shadow_verdict else verdict end as challenger_verdict,
           case when champion_decided then score else shadow_score end as champion_score,
           case when champion_decided then shadow_score else score end as challenger_score
    from both_scored
)
"""
"""Applications that both models scored, whichever of them decided: $2 the champion, $3 the challenger."""

AGREEMENT = (
    _PAIRS
    + """
select champion_verdict, challenger_verdict, count(*) as applications,
       sum(challenger_score - champion_score) as difference,
       sum(abs(challenger_score - champion_score)) as absolute_difference
from pairs group by 1, 2 order by 1, 2
"""
)

PAIRED_SCORES = (
    _PAIRS
    + """
select score, count(*) filter (where role = 'champion') as champion,
       count(*) filter (where role = 'challenger') as challenger
from pairs cross join lateral
    (values ('champion', round(champion_score, 3)), ('challenger', round(challenger_score, 3))) as s (role, score)
group by score order by score
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


async def last_change(database: Queries, version: str) -> tuple[Action, datetime] | None:
    rows = await database.fetch(LAST_CHANGE, version)
    return (rows[0]["action"], rows[0]["changed_at"]) if rows else None


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
    (row,) = await connection.fetch(RECORD_CHANGE, actor, action, version, share_percent, reason, text)
    who = source if source == actor else f"{source}:{actor}"
    rows = await read_rows(connection, MODEL_CHANGES, [row["change"]])
    details = {"change": row["change"], "modelVersion": version, "sharePercent": share_percent, ROWS: rows}
    await record(
        connection,
        AuditEntry(f"model:{version}", who, f"model.{action}", row["changed_at"], reason, details),
    )


async def tallies(database: Queries, versions: Sequence[str], since: datetime) -> list[Tally]:
    """One for each version, in this order; of nothing when it decided nothing."""
    rows = await database.fetch(TALLIES, since, list(versions))
    found = {row["version"]: Tally(**dict(row)) for row in rows}
    return [found.get(version, Tally(version)) for version in versions]


async def outcomes(database: Queries, since: datetime) -> list[dict[str, Any]]:
    return [dict(row) for row in await database.fetch(OUTCOMES, since)]


async def agreement(
    database: Queries, since: datetime, champion: str, challenger: str
) -> list[dict[str, Any]]:
    return [dict(row) for row in await database.fetch(AGREEMENT, since, champion, challenger)]


async def paired_scores(
    database: Queries, since: datetime, champion: str, challenger: str
) -> list[dict[str, Any]]:
    """How often each score, to three places, was given by either."""
    return [dict(row) for row in await database.fetch(PAIRED_SCORES, since, champion, challenger)]
