"""The assessments that `fundline decision` speaks of."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fundline.commands.place import open_place
from fundline.platform.command_errors import CommandFailed
from fundline.platform.identifiers import uuid_in
from fundline.platform.refusals import Unavailable
from fundline.records.application_record import FACTS, FactsImpossible, facts_of
from fundline.records.references import MistypedTrackingId, tracking_id_of
from fundline.risk.replay import Difference, Row, compare_facts

_ASSESSMENTS = f"""
select r.application_id, a.tracking_id, r.assessment, r.risk_score::text, r.verdict, r.principal_reasons::text,
       r.evidence::text, r.model_version, r.policy_version, r.assessed_at, r.model_asked, r.fallback_cause,
       r.shadow::text, {FACTS}, true as state_known, null::numeric as revenue_volatility
from risk_assessments r join applications a using (application_id)
where (a.application_id::text = $1 or a.tracking_id = $1) and ($2::int is null or r.assessment = $2)
order by r.assessment
"""  # noqa: S608 - our own columns


def compare_application(row: Any) -> list[Difference]:
    try:
        return compare_facts(row["evidence"], facts_of(row))
    except FactsImpossible as error:
        return [Difference("application", "facts that could be scored", str(error))]


def row_of(row: Any) -> Row:
    return Row(
        application_id=row["application_id"],
        verdict=row["verdict"],
        risk_score=row["risk_score"],
        reasons=[reason["code"] for reason in json.loads(row["principal_reasons"])],
        model_version=row["model_version"],
        policy_version=row["policy_version"],
        model_asked=row["model_asked"],
        fallback_cause=row["fallback_cause"],
    )


def last_assessment(home: Path | None, application: str, number: int | None) -> Any:
    """The last one, or the one with this number. Raises CommandFailed."""
    wanted = _canonical(application)
    try:
        rows = asyncio.run(_read(home, wanted, number))
    except Unavailable as error:
        raise CommandFailed(error.sentence) from error
    if not rows:
        which = "" if number is None else f" number {number}"
        raise CommandFailed(
            f"There is no assessment{which} of {application}; give an application id or a tracking id."
        )
    return rows[-1]


def _canonical(text: str) -> str:
    """Ids as the database writes them. Raises CommandFailed."""
    found = uuid_in(text)
    if found is not None:
        return str(found)
    try:
        return tracking_id_of(text) or text
    except MistypedTrackingId as mistyped:
        raise CommandFailed(mistyped.sentence) from None


async def _read(home: Path | None, wanted: str, number: int | None) -> Sequence[Any]:
    database = await open_place(home)
    try:
        return await database.fetch(_ASSESSMENTS, wanted, number)
    finally:
        await database.close()


def header(row: Any) -> dict[str, Any]:
    return {
        "applicationId": str(row["application_id"]),
        "trackingId": row["tracking_id"],
        "assessment": row["assessment"],
        "assessedAt": row["assessed_at"].isoformat(),
        "verdict": row["verdict"],
        "riskScore": row["risk_score"],
        "modelVersion": row["model_version"],
        "policyVersion": row["policy_version"],
        "modelAsked": row["model_asked"],
        "fallbackCause": row["fallback_cause"],
    }
