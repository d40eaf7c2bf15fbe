"""Which model decided for whom in a run: champion, challenger, and what the shadow would have said."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fundline.platform.database import Database

DECISIONS = """
select coalesce(model_asked, model_version) as model, count(*) as decisions,
       count(distinct user_id) as applicants,
       count(*) filter (where verdict = 'approved') as approved,
       count(*) filter (where verdict = 'rejected') as rejected,
       count(*) filter (where verdict = 'pending_review') as referred,
       count(*) filter (where fallback_cause is not null) as fallbacks,
       avg(risk_score)::float8 as mean_score,
       count(*) filter (where shadow ->> 'verdict' is not null) as shadowed,
       count(*) filter (where shadow ->> 'verdict' = verdict) as shadow_agrees
from risk_assessments join applications using (application_id)
where user_id = any($1) group by 1 order by decisions desc, model
"""


@dataclass(frozen=True, slots=True)
class ModelDecisions:
    """Decisions for the applicants who met one model. `role`: champion or challenger at the end of the run, if known.

    `fallbacks`: the scorecard in the worker answered for it. `shadowed` of the decisions were scored by the other
    model too; in `shadow_agrees` it came to the same verdict.
    """

    model: str
    role: str | None
    decisions: int
    applicants: int
    approved: int
    rejected: int
    referred: int
    fallbacks: int
    mean_score: float
    shadowed: int
    shadow_agrees: int


async def read_model_decisions(
    database: Database, applicants: Collection[str], roles: Mapping[str, str]
) -> list[ModelDecisions]:
    """The model with the most decisions first. `roles` by version."""
    rows = await database.fetch(DECISIONS, list(applicants))
    return [ModelDecisions(role=roles.get(row["model"]), **dict(row)) for row in rows]
