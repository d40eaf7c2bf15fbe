"""`fundline case`: what waits for a person, and how it was settled."""

from typing import Annotated

import typer

from fundline.commands.case.view import show_case, show_case_outcome, show_cases
from fundline.commands.doors import JsonOption, give, noun, one_of
from fundline.commands.operations_client import (
    AsOption,
    CursorOption,
    LimitOption,
    operations_client,
    page_of,
    under,
)
from fundline.commands.place import HomeOption
from fundline.records.cases import CaseKind

app = noun("Cases: list, show, resolve.")

PATH = "/v1/cases"
STATES = ["open", "resolved", "all"]
KINDS = [kind.value for kind in CaseKind]
CaseArgument = Annotated[str, typer.Argument(help="Id of a case.")]


@app.command("list")
def list_cases(
    state: Annotated[str, one_of("state", STATES, "open, resolved or all.")] = "open",
    kind: Annotated[str | None, one_of("kind", KINDS, "Such as payment_unknown or dead_letter.")] = None,
    cursor: CursorOption = None,
    limit: LimitOption = 20,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show cases, newest first."""
    query = page_of(state, cursor, limit) | {"kind": kind}
    page = operations_client(home, subject).get(PATH, query)
    give(page, show_cases, as_json=as_json)


@app.command()
def show(
    case: CaseArgument, subject: AsOption = None, as_json: JsonOption = False, home: HomeOption = None
) -> None:
    """Show one case with its details."""
    found = operations_client(home, subject).get(under(PATH, case))
    give(found, show_case, as_json=as_json)


@app.command()
def resolve(
    case: CaseArgument,
    resolution: Annotated[str, typer.Option("--reason", help="How it was settled; kept for ever.")],
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Say how it was settled; about money, another operator has to say so too."""
    told = operations_client(home, subject).post(under(PATH, case, "resolve"), {"resolution": resolution})
    give(told, show_case_outcome, as_json=as_json)
