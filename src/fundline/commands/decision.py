"""`fundline decision`: shows the evidence of a decision, and makes the decision once more from it."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from fundline.commands.place import HomeOption, open_place
from fundline.platform.command_errors import CommandFailed
from fundline.platform.refusals import Unavailable
from fundline.records.application_record import FACTS, FactsImpossible, facts_of
from fundline.risk.artefact import MODELS_DIRECTORY, load_model
from fundline.risk.evidence import (
    Difference,
    Row,
    UnreadableEvidence,
    compare_facts,
    compare_row,
    repeat,
)
from fundline.risk.model import Model

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="The evidence of decisions: show it, or decide once more from it.",
)

_ASSESSMENTS = f"""
select r.application_id, a.tracking_id, r.assessment, r.risk_score::text, r.verdict, r.principal_reasons::text,
       r.evidence::text, r.model_version, r.policy_version, r.assessed_at, r.model_asked, r.fallback_cause,
       r.shadow::text, {FACTS}, true as state_known, null::numeric as revenue_volatility
from risk_assessments r join applications a using (application_id)
where (a.application_id::text = $1 or a.tracking_id = $1) and ($2::int is null or r.assessment = $2)
order by r.assessment
"""  # noqa: S608 - our own columns

ApplicationArgument = Annotated[str, typer.Argument(help="Application id or tracking id.")]
NumberOption = Annotated[
    int | None, typer.Option("--assessment", min=1, help="Which one, when there are several; else the last.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command()
def show(
    application: ApplicationArgument,
    assessment: NumberOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show what a decision rested on: inputs, features, model, simulation, rules."""
    row = _assessment(home, application, assessment)
    evidence = json.loads(row["evidence"])
    if as_json:
        typer.echo(json.dumps({**_header(row), "evidence": evidence}))
        return
    for name, value in _header(row).items():
        typer.echo(f"{name:<18} {value if value is not None else '-'}")
    for part, content in evidence.items():
        typer.echo(f"\n{part}")
        _print(content)


@app.command()
def replay(
    application: ApplicationArgument,
    assessment: NumberOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Make the decision once more from its recorded facts, and compare those with the application.

    Exit status 1 when anything comes out otherwise.
    """
    row = _assessment(home, application, assessment)
    try:
        differences = [
            *repeat(row["evidence"], _load),
            *compare_row(row["evidence"], _row(row)),
            *_compare_application(row),
        ]
    except UnreadableEvidence as error:
        raise CommandFailed(str(error)) from error
    if as_json:
        found = [{"what": d.what, "recorded": d.recorded, "repeated": d.repeated} for d in differences]
        typer.echo(json.dumps({**_header(row), "same": not differences, "differences": found}))
    else:
        _tell(row, differences)
    raise typer.Exit(1 if differences else 0)


def _compare_application(row: Any) -> list[Difference]:
    try:
        return compare_facts(row["evidence"], facts_of(row))
    except FactsImpossible as error:
        return [Difference("application", "facts that could be scored", str(error))]


def _row(row: Any) -> Row:
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


def _load(version: str) -> Model:
    return load_model(MODELS_DIRECTORY / version)


def _assessment(home: Path | None, application: str, number: int | None) -> Any:
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
    """Ids as the database writes them; a tracking id in capitals."""
    try:
        return str(UUID(text))
    except ValueError:
        return text.upper()


async def _read(home: Path | None, wanted: str, number: int | None) -> Sequence[Any]:
    database = await open_place(home)
    try:
        return await database.fetch(_ASSESSMENTS, wanted, number)
    finally:
        await database.close()


def _header(row: Any) -> dict[str, Any]:
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


def _tell(row: Any, differences: Sequence[Difference]) -> None:
    name = f"Assessment {row['assessment']} of {row['application_id']}"
    if not differences:
        typer.echo(
            f"{name}: the same. {row['verdict']} at {row['risk_score']} "
            f"by {row['model_version']} and {row['policy_version']}."
        )
        return
    typer.echo(f"{name}: {len(differences)} differences.")
    for difference in differences:
        typer.echo(f"  {difference.what}: recorded {difference.recorded}, repeated {difference.repeated}")


def _print(content: Any, indent: str = "  ") -> None:
    """Objects a line a field, lists a line an entry."""
    if isinstance(content, dict):
        for name, value in content.items():
            if isinstance(value, list | dict) and value:
                typer.echo(f"{indent}{name}")
                _print(value, indent + "  ")
            else:
                typer.echo(f"{indent}{name:<22} {value}")
    elif isinstance(content, list):
        for entry in content:
            text = "  ".join(f"{k}={v}" for k, v in entry.items()) if isinstance(entry, dict) else str(entry)
            typer.echo(f"{indent}{text}")
    else:
        typer.echo(f"{indent}{content}")
