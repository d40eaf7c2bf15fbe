"""`fundline audit`: verifies the audit trail, and tells an application's story from it."""

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from fundline.commands.place import HomeOption, home_of, open_place
from fundline.platform.audit.anchors import AnchorKeys, AuditKeyUnusable
from fundline.platform.audit.chains import Counted
from fundline.platform.audit.findings import Finding
from fundline.platform.audit.verify import Witnesses, verify_trail
from fundline.platform.clock import utc_now
from fundline.platform.refusals import Unavailable
from fundline.stack.keys import StackKeys
from fundline.stack.process_spec import StackError

app = typer.Typer(
    no_args_is_help=True, help="The audit trail: verify it, or tell the story of an application."
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
    """Find any edit, deletion or truncation of the audit trail; exit status 1 when there is one."""
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
        typer.echo(f"{checked}: {'the trail holds.' if not findings else f'{total} findings.'}")
    raise typer.Exit(1 if findings else 0)


async def _verify(
    home: Path | None, witnesses: Witnesses, anchored_within_s: float
) -> tuple[Counted, list[Finding], int]:
    """Raises StackError."""
    counted, findings, more = Counted(), list[Finding](), 0
    try:
        database = await open_place(home)
        try:
            async for finding in verify_trail(
                database, witnesses, counted, now=utc_now(), anchored_within_s=anchored_within_s
            ):
                if len(findings) < SHOWN_FINDINGS:
                    findings.append(finding)
                else:
                    more += 1
        finally:
            await database.close()
    except Unavailable as error:
        raise StackError("The database does not answer; nothing can be said about the trail.") from error
    return counted, findings, more


def _witnesses(chosen: Path | None) -> Witnesses:
    """FUNDLINE_AUDIT_ANCHOR_FILE and FUNDLINE_AUDIT_KEY_FILE, else the stack's. Raises StackError."""
    home = home_of(chosen)
    key_file = os.environ.get("FUNDLINE_AUDIT_KEY_FILE") or StackKeys(home).audit_key
    anchor_file = os.environ.get("FUNDLINE_AUDIT_ANCHOR_FILE") or home.audit_anchors
    try:
        keys = AnchorKeys(Path(key_file))
    except AuditKeyUnusable as error:
        raise StackError(str(error)) from error
    return Witnesses(Path(anchor_file), keys, sorted(home.logs.glob("event-router-*.log")))
