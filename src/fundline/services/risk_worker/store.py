"""All SQL of scoring an application."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from fundline.domain.decision import Decision
from fundline.domain.facts import ApplicantFacts
from fundline.domain.review_reasons import reasons_as_json
from fundline.platform.database import Connection
from fundline.platform.database.sql import Sql
from fundline.records.application_record import FACTS, facts_of

READ_FACTS = f"""
select {FACTS}, s.revenue_volatility, t.state_code is not null as state_known
from applications a
left join reference_sectors s on s.sector_code = left(a.business ->> 'naics', 2)
left join reference_states t on t.state_code = a.business ->> 'state'
    and coalesce(a.business ->> 'country', 'US') = 'US'
where a.application_id = $1
"""  # noqa: S608 - our own columns
RECORD_ASSESSMENT = Sql("""
insert into risk_assessments (application_id, assessment, risk_score, verdict, principal_reasons, evidence,
                              model_version, policy_version, assessed_at, model_asked, fallback_cause, shadow)
select :application_id, coalesce(max(assessment), 0) + 1, :risk_score, :verdict, :reasons::jsonb, :evidence::jsonb,
       :model_version, :policy_version, :at, :model_asked, :fallback_cause, :shadow::jsonb
from risk_assessments where application_id = :application_id
returning assessment
""")
"""The next number is safe to take: the caller holds the lock of the application's row."""


async def read_facts(connection: Connection, application_id: UUID) -> ApplicantFacts:
    """The application must exist: its row is locked by this transaction. Raises FactsImpossible."""
    row = await connection.fetchrow(READ_FACTS, application_id)
    assert row is not None  # noqa: S101 - the caller holds the row's lock
    return facts_of(row)


async def record_assessment(
    connection: Connection,
    application_id: UUID,
    decision: Decision,
    *,
    evidence: bytes,
    model_asked: str,
    fallback_cause: str | None,
    shadow: Mapping[str, Any] | None,
    at: datetime,
) -> int:
    """Returns the number of the assessment: 1, or more when the application was scored before."""
    number: int = await connection.fetchval(
        *RECORD_ASSESSMENT(
            application_id=application_id,
            risk_score=decision.risk_score,
            verdict=decision.status,
            reasons=orjson.dumps(reasons_view(decision)).decode(),
            evidence=evidence.decode(),
            model_version=decision.model_version,
            policy_version=decision.policy_version,
            at=at,
            model_asked=model_asked,
            fallback_cause=fallback_cause,
            shadow=None if shadow is None else orjson.dumps(shadow).decode(),
        )
    )
    return number


def reasons_view(decision: Decision) -> list[dict[str, str]]:
    """As applicants see them: a stable code and a sentence."""
    return reasons_as_json(decision.principal_reasons)
