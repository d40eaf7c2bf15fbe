"""All SQL of scoring an application."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from fundline.domain.decision import Decision
from fundline.domain.facts import ApplicantFacts
from fundline.domain.money import Money
from fundline.platform.database import Connection

FACTS = """
select a.amount_minor, a.currency, a.term_months, a.purpose, a.revolving, a.business::text, a.figures::text,
       a.jobs::text, s.revenue_volatility, t.state_code is not null as state_known
from applications a
left join reference_sectors s on s.sector_code = left(a.business ->> 'naics', 2)
left join reference_states t on t.state_code = a.business ->> 'state'
where a.application_id = $1
"""
RECORD_ASSESSMENT = """
insert into risk_assessments (application_id, assessment, risk_score, verdict, principal_reasons, evidence,
                              model_version, policy_version, assessed_at, model_asked, fallback_cause, shadow)
select $1, coalesce(max(assessment), 0) + 1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $8, $9, $10, $11::jsonb
from risk_assessments where application_id = $1
returning assessment
"""
"""The next number is safe to take: the caller holds the lock of the application's row."""


class FactsImpossible(Exception):
    """What is stored is nothing that an application can say: it was not written by the API, or changed since."""


async def read_facts(connection: Connection, application_id: UUID) -> ApplicantFacts:
    """The application must exist: its row is locked by this transaction. Raises FactsImpossible."""
    row = await connection.fetchrow(FACTS, application_id)
    assert row is not None  # noqa: S101 - the caller holds the row's lock
    try:
        return facts_of(row)
    except (ValueError, LookupError, TypeError, ArithmeticError) as error:
        raise FactsImpossible(
            f"the stored facts cannot be scored: {type(error).__name__}: {error}"
        ) from error


def facts_of(row: Any) -> ApplicantFacts:
    """From a row of FACTS. Raises ValueError, LookupError, TypeError or ArithmeticError on what no application says."""
    business, figures = orjson.loads(row["business"]), orjson.loads(row["figures"])
    jobs = {} if row["jobs"] is None else orjson.loads(row["jobs"])
    return ApplicantFacts(
        amount=Money(row["amount_minor"], row["currency"]).decimal(),
        currency=row["currency"],
        term_months=row["term_months"],
        purpose=row["purpose"],
        revolving=row["revolving"],
        naics=business["naics"],
        state=business["state"],
        state_known=row["state_known"],
        sector_volatility=row["revenue_volatility"],
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
        RECORD_ASSESSMENT,
        application_id,
        decision.risk_score,
        decision.status,
        orjson.dumps(reasons_view(decision)).decode(),
        evidence.decode(),
        decision.model_version,
        decision.policy_version,
        at,
        model_asked,
        fallback_cause,
        None if shadow is None else orjson.dumps(shadow).decode(),
    )
    return number


def reasons_view(decision: Decision) -> list[dict[str, str]]:
    """As applicants see them: a stable code and a sentence."""
    return [{"code": reason.code, "sentence": reason.sentence} for reason in decision.principal_reasons]
