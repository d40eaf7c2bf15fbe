"""All SQL of the experiment: who changed which model decides, and how the models fare."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fundline.records.model_changes import Action, Queries
from fundline.services.risk_worker.drift import Tally

LAST_CHANGE = """
select action, changed_at from model_changes where model_version = $1 order by change desc limit 1
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


async def last_change(database: Queries, version: str) -> tuple[Action, datetime] | None:
    rows = await database.fetch(LAST_CHANGE, version)
    return (rows[0]["action"], rows[0]["changed_at"]) if rows else None


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
