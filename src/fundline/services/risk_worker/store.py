"""All SQL of the risk worker."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import orjson

from fundline.domain.money import Money
from fundline.domain.policy import Decision
from fundline.domain.scorecard import ApplicantFacts
from fundline.platform.database import Connection

FACTS = """
select a.amount_minor, a.currency, a.term_months, a.purpose, a.business::text, a.figures::text, a.jobs::text,
       s.default_rate as sector_default_rate, t.default_rate as state_default_rate
from applications a
left join reference_sectors s on s.sector_code = left(a.business ->> 'naics', 2)
left join reference_states t on t.state_code = a.business ->> 'state'
where a.application_id = $1
"""
RECORD_ASSESSMENT = """
insert into risk_assessments (application_id, assessment, risk_score, verdict, principal_reasons, evidence,
                              model_version, policy_version, assessed_at)
values ($1, 1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8)
"""


async def read_facts(connection: Connection, application_id: UUID) -> ApplicantFacts:
    """The application must exist: its row is locked by this transaction."""
    row = await connection.fetchrow(FACTS, application_id)
    assert row is not None  # noqa: S101 - the caller holds the row's lock
    business, figures = orjson.loads(row["business"]), orjson.loads(row["figures"])
    jobs = {} if row["jobs"] is None else orjson.loads(row["jobs"])
    return ApplicantFacts(
        amount=Money(row["amount_minor"], row["currency"]).decimal(),
        term_months=row["term_months"],
        purpose=row["purpose"],
        sector_default_rate=row["sector_default_rate"],
        state_default_rate=row["state_default_rate"],
        business_age=business["age"],
        legal_form=business["legalForm"],
        employees=business["employees"],
        franchise=business["franchise"],
        location=business["location"],
        annual_revenue=_decimal(figures["annualRevenue"]),
        operating_margin=_decimal(figures["operatingMargin"]),
        monthly_debt_service=_decimal(figures["monthlyDebtService"]),
        cash_at_bank=_decimal(figures["cashAtBank"]),
        jobs_created=jobs.get("created"),
        jobs_kept=jobs.get("kept"),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


async def record_assessment(
    connection: Connection, application_id: UUID, decision: Decision, evidence: bytes, at: datetime
) -> None:
    await connection.execute(
        RECORD_ASSESSMENT,
        application_id,
        decision.risk_score,
        decision.status,
        orjson.dumps(reasons_view(decision)).decode(),
        evidence.decode(),
        decision.model_version,
        decision.policy_version,
        at,
    )


def reasons_view(decision: Decision) -> list[dict[str, str]]:
    """As applicants see them: a stable code and a sentence."""
    return [{"code": reason.code, "sentence": reason.sentence} for reason in decision.principal_reasons]
