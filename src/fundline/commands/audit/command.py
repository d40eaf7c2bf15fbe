"""`fundline audit`: verifies the audit trail, and tells an application's story from it."""

import asyncio
import json
from typing import Annotated, Any

import typer

from fundline.commands.audit.reading import read_findings, read_story, witnesses_of
from fundline.commands.audit.view import story_lines
from fundline.commands.doors import JsonOption, give, noun
from fundline.commands.place import HomeOption
from fundline.platform.terminal import say

app = noun("The audit trail: verify it, or tell the story of an application.")


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
        say(json.dumps(answer))
    else:
        for finding in findings:
            say(finding.sentence)
        if more:
            say(f"{more} further findings are not shown.")
        checked = f"{counted.entries} entries in {counted.streams} streams, {counted.anchors} anchors"
        result = f"{total} findings." if findings else "the trail is complete, and the tables agree with it."
        say(f"{checked}: {result}")
    raise typer.Exit(1 if findings else 0)


@app.command()
def show(
    application: Annotated[str, typer.Argument(help="Application id or tracking id.")],
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Tell the story of an application in order: who did what, when and why."""
    story = asyncio.run(read_story(home, application))
    give(story, lambda one: "\n".join(story_lines(one)), as_json=as_json)
