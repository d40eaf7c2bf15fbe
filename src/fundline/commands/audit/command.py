"""`fundline audit`: verifies the audit trail, and tells an application's story from it."""

import asyncio
import json
from typing import Annotated, Any

import typer

from fundline.commands.audit.reading import read_findings, read_story, witnesses_of
from fundline.commands.audit.view import told
from fundline.commands.place import HomeOption

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="The audit trail: verify it, or tell the story of an application.",
)

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command()
def verify(
    anchored_within_s: Annotated[
        float, typer.Option("--anchored-within", min=1, help="Seconds in which an entry must be anchored.")
    ] = 60.0,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Find any edit of the audit trail, and of the rows that money rests on; exit status 1 when there is one."""
    witnesses = witnesses_of(home)
    counted, findings, more = asyncio.run(read_findings(home, witnesses, anchored_within_s))
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
        result = f"{total} findings." if findings else "the trail is complete, and the tables agree with it."
        typer.echo(f"{checked}: {result}")
    raise typer.Exit(1 if findings else 0)


@app.command()
def show(
    application: Annotated[str, typer.Argument(help="Application id or tracking id.")],
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Tell the story of an application in order: who did what, when and why."""
    story = asyncio.run(read_story(home, application))
    typer.echo(json.dumps(story) if as_json else "\n".join(told(story)))
