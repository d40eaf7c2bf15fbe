"""`fundline dead-letter`: look at what consumer groups gave up on, send it again, correct it, or discard it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fundline.commands.dead_letter.bulk import batches, paced
from fundline.commands.dead_letter.payload import payload_of
from fundline.commands.dead_letter.view import (
    show_bulk,
    show_letter,
    show_letters,
    show_outcome,
    show_progress,
)
from fundline.commands.doors import JsonOption, give, noun, one_of
from fundline.commands.operations_client import (
    AsOption,
    CursorOption,
    LimitOption,
    OperationsClient,
    ReasonOption,
    operations_client,
    under,
)
from fundline.commands.place import HomeOption
from fundline.contracts.topics import Group, every_topic
from fundline.platform.terminal import say
from fundline.records.dead_letters import LetterState

app = noun("Dead letters: list, show, replay, correct, approve, discard.")

PATH = "/v1/dead-letters"
STATES = [state.value for state in LetterState]
TOPIC_NAMES = [topic.name for topic in every_topic()]
GROUPS = [group.value for group in Group]

LetterArgument = Annotated[str, typer.Argument(help="Id of a dead letter.")]
TopicOption = Annotated[str | None, one_of("topic", TOPIC_NAMES, "Topic, such as status.updated.")]
GroupOption = Annotated[str | None, one_of("group", GROUPS, "Consumer group that gave it up.")]
CauseOption = Annotated[str | None, typer.Option(help="A part of the cause.")]
RateOption = Annotated[float, typer.Option(min=0.05, max=1000, help="Events per second.")]


@app.command("list")
def list_letters(
    state: Annotated[str | None, one_of("state", STATES, "Only those that are so; else all.")] = None,
    topic: TopicOption = None,
    group: GroupOption = None,
    cause: CauseOption = None,
    application: Annotated[str | None, typer.Option(help="Application id.")] = None,
    cursor: CursorOption = None,
    limit: LimitOption = 20,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show dead letters, newest first."""
    query = {
        "state": state,
        "topic": topic,
        "group": group,
        "cause": cause,
        "application": application,
        "cursor": cursor,
        "limit": limit,
    }
    page = operations_client(home, subject).get(PATH, query)
    give(page, show_letters, as_json=as_json)


@app.command()
def show(
    letter: LetterArgument, subject: AsOption = None, as_json: JsonOption = False, home: HomeOption = None
) -> None:
    """Show one with its payload and every time it died."""
    found = _read(operations_client(home, subject), letter)
    give(found, show_letter, as_json=as_json)


VERBS: tuple[tuple[str, str], ...] = (
    (
        "replay",
        "Send it again to the group that gave it up, under the same event id; where money moves, ask for that.",
    ),
    ("withdraw", "Take back a replay that was asked for, or refuse to approve it."),
    ("discard", "Decide that it will not be sent again."),
)
"""Commands that need nothing but a reason."""


def _register(verb: str, help_text: str) -> None:
    def act(
        letter: LetterArgument,
        reason: ReasonOption,
        subject: AsOption = None,
        as_json: JsonOption = False,
        home: HomeOption = None,
    ) -> None:
        _act(operations_client(home, subject), letter, verb, {"reason": reason}, as_json=as_json)

    app.command(verb, help=help_text)(act)


for _verb, _help in VERBS:
    _register(_verb, _help)


@app.command()
def edit(
    letter: LetterArgument,
    reason: ReasonOption,
    changes: Annotated[list[str] | None, typer.Option("--set", help="field=value. Repeatable.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="The whole payload as JSON; - reads standard input.")
    ] = None,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Correct its payload and replay it; without --set and --file, in your editor."""
    client = operations_client(home, subject)
    found = _read(client, letter)
    payload = payload_of(found, changes or [], file)
    _act(client, letter, "replay", {"reason": reason, "payload": payload}, as_json=as_json)


@app.command()
def approve(
    letters: Annotated[list[str], typer.Argument(help="Ids of dead letters whose replay was asked for.")],
    reason: ReasonOption,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not show it and ask.")] = False,
    rate: RateOption = 10.0,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Agree to replays that somebody else has asked for, each with the payload that is shown."""
    client = operations_client(home, subject)
    for letter in paced(letters, rate):
        found = _read(client, letter)
        if not yes:
            say(show_letter(found), err=True)
            typer.confirm("Replay it?", abort=True, err=True)
        body = {"reason": reason, "payloadSha256": found["payloadSha256"]}
        _act(client, letter, "approve", body, as_json=as_json)


@app.command("bulk-replay")
def bulk_replay(
    topic: Annotated[str, one_of("topic", TOPIC_NAMES, "Topic, such as status.updated.")],
    reason: ReasonOption,
    group: GroupOption = None,
    cause: CauseOption = None,
    rate: RateOption = 10.0,
    most: Annotated[int, typer.Option("--limit", min=1, help="Stop after so many letters.")] = 1000,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Replay all open letters that fit, oldest first, at a rate; for those that move money, ask for it."""
    client = operations_client(home, subject)
    wanted = {"topic": topic, "group": group, "cause": cause, "reason": reason, "perSecond": rate}
    total: dict[str, list[Any]] = {"replayed": [], "requested": [], "skipped": []}
    for told in batches(client, {k: v for k, v in wanted.items() if v is not None}, most):
        for outcome in total:
            total[outcome] += told[outcome]
        say(show_progress(total), err=True)
    give(total, show_bulk, as_json=as_json)


def _read(client: OperationsClient, letter: str) -> dict[str, Any]:
    return client.get(under(PATH, letter))


def _act(client: OperationsClient, letter: str, verb: str, body: dict[str, Any], *, as_json: bool) -> None:
    told = client.post(under(PATH, letter, verb), body)
    give(told, show_outcome, as_json=as_json)
