"""`fundline audit`: verifies the audit trail, and tells an application's story from it."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fundline.commands.place import HomeOption, home_of, open_place
from fundline.platform.audit.anchors import AnchorKeys, AuditKeyUnusable
from fundline.platform.audit.chains import Counted
from fundline.platform.audit.findings import Finding
from fundline.platform.audit.verify import Witnesses, verify_trail
from fundline.platform.clock import utc_now
from fundline.platform.command_errors import CommandFailed
from fundline.platform.refusals import Unavailable
from fundline.records.audit_coverage import check_coverage
from fundline.records.recorded_rows import check_recorded_rows
from fundline.records.story import find_application, story_of
from fundline.stack.keys import StackKeys

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="The audit trail: verify it, or tell the story of an application.",
)

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
SHOWN_FINDINGS = 1000
"""More are counted and not shown: whoever has cut off everything makes one for each stream."""


@app.command()
def verify(
    anchored_within_s: Annotated[
        float, typer.Option("--anchored-within", min=1, help="Seconds in which an entry must be anchored.")
    ] = 60.0,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Find any edit of the audit trail, and of the rows that money rests on; exit status 1 when there is one."""
    witnesses = _witnesses(home)
    counted, findings, more = asyncio.run(_verify(home, witnesses, anchored_within_s))
    total = len(findings) + more
    if as_json:
        answer: dict[str, Any] = {
            "ok": not findings,
            "entries": counted.entries,
            "streams": counted.streams,
            "anchors": counted.anchors,
            "findings": [finding.as_json() for finding in findings],
            "findingsTotal": total,
        }
        typer.echo(json.dumps(answer))
    else:
        for finding in findings:
            typer.echo(finding.sentence)
        if more:
            typer.echo(f"{more} further findings are not shown.")
        checked = f"{counted.entries} entries in {counted.streams} streams, {counted.anchors} anchors"
        typer.echo(
            f"{checked}: {'the trail holds, and the tables with it.' if not findings else f'{total} findings.'}"
        )
    raise typer.Exit(1 if findings else 0)


@app.command()
def show(
    application: Annotated[str, typer.Argument(help="Application id or tracking id.")],
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Tell the story of an application in order: who did what, when and why."""
    story = asyncio.run(_story(home, application))
    typer.echo(json.dumps(story) if as_json else "\n".join(told(story)))


async def _story(home: Path | None, text: str) -> dict[str, Any]:
    """Raises CommandFailed."""
    try:
        database = await open_place(home)
        try:
            found = await find_application(database, text)
            if found is None:
                raise CommandFailed(
                    f"There is no application {text}; give an application id or a tracking id."
                )
            entries = await story_of(database, found["application_id"])
        finally:
            await database.close()
    except Unavailable as error:
        raise CommandFailed("The database does not answer.") from error
    return {
        "applicationId": str(found["application_id"]),
        "trackingId": found["tracking_id"],
        "userId": found["user_id"],
        "status": found["status"],
        "entries": entries,
    }


def told(story: Mapping[str, Any]) -> list[str]:
    """A line for each entry, its reason and details below it."""
    entries = story["entries"]
    whose = f"Application {story['trackingId']} of {story['userId']}, now {story['status']}"
    lines = [f"{whose} ({story['applicationId']}): {len(entries)} entries."]
    for entry in entries:
        who = entry["process"] + (f" for {entry['subject']}" if entry["subject"] else "")
        lines.append(f"{entry['sequence']:>4}  {entry['at'][:23]}Z  {entry['action']:<26} {who}")
        if entry["reason"]:
            lines.append(f"      why: {entry['reason']}")
        shown = ", ".join(
            f"{name} {_short(value)}" for name, value in entry["details"].items() if value not in (None, [])
        )
        if shown:
            lines.append(f"      {shown}")
        if entry["evidenceHash"]:
            lines.append(f"      evidence {entry['evidenceHash'][:16]}…")
    if waiting := sum(not entry["anchored"] for entry in entries):
        lines.append(f"{waiting} of them wait for their anchor.")
    return lines


def _short(value: Any) -> str:
    """Text as it is; a list of objects by their codes."""
    if isinstance(value, list):
        return " ".join(
            str(item.get("code", item)) if isinstance(item, dict) else str(item) for item in value
        )
    return str(value)


async def _verify(
    home: Path | None, witnesses: Witnesses, anchored_within_s: float
) -> tuple[Counted, list[Finding], int]:
    """Raises CommandFailed."""
    counted, findings, more = Counted(), list[Finding](), 0
    try:
        database = await open_place(home)
        try:
            chains = verify_trail(
                database, witnesses, counted, now=utc_now(), anchored_within_s=anchored_within_s
            )
            for check in (chains, check_coverage(database), check_recorded_rows(database)):
                async for finding in check:
                    if len(findings) < SHOWN_FINDINGS:
                        findings.append(finding)
                    else:
                        more += 1
        finally:
            await database.close()
    except Unavailable as error:
        raise CommandFailed("The database does not answer; nothing can be said about the trail.") from error
    return counted, findings, more


def _witnesses(chosen: Path | None) -> Witnesses:
    """FUNDLINE_AUDIT_ANCHOR_FILE and FUNDLINE_AUDIT_KEY_FILE, else the stack's. Raises CommandFailed."""
    home = home_of(chosen)
    key_file = os.environ.get("FUNDLINE_AUDIT_KEY_FILE") or StackKeys(home).audit_key
    anchor_file = os.environ.get("FUNDLINE_AUDIT_ANCHOR_FILE") or home.audit_anchors
    try:
        keys = AnchorKeys(Path(key_file))
    except AuditKeyUnusable as error:
        raise CommandFailed(str(error)) from error
    return Witnesses(Path(anchor_file), keys, sorted(home.logs.glob("event-router-*.log")))
