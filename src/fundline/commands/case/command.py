"""`fundline case`: what waits for a person, and how it was settled."""

import json
from typing import Annotated
from urllib.parse import quote

import typer

from fundline.commands.case.view import show_case, show_case_outcome, show_cases
from fundline.commands.operations_client import AsOption, CursorOption, JsonOption, operations_client
from fundline.commands.place import HomeOption

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Cases: list, show, resolve.")

CaseArgument = Annotated[str, typer.Argument(help="Id of a case.")]


@app.command("list")
def list_cases(
    state: Annotated[str, typer.Option(help="open, resolved or all.")] = "open",
    kind: Annotated[str | None, typer.Option(help="Such as payment_unknown or dead_letter.")] = None,
    cursor: CursorOption = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show cases, newest first."""
    query = {
        "state": None if state == "all" else state,
        "kind": kind,
        "cursor": cursor,
        "limit": limit,
    }
    page = operations_client(home, subject).get("/v1/cases", query)
    typer.echo(json.dumps(page) if as_json else show_cases(page))


@app.command()
def show(
    case: CaseArgument, subject: AsOption = None, as_json: JsonOption = False, home: HomeOption = None
) -> None:
    """Show one case with its details."""
    found = operations_client(home, subject).get(f"/v1/cases/{quote(case, safe='')}")
    typer.echo(json.dumps(found) if as_json else show_case(found))


@app.command()
def resolve(
    case: CaseArgument,
    resolution: Annotated[str, typer.Option("--reason", help="How it was settled; kept for ever.")],
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Say how it was settled; about money, another operator has to say so too."""
    told = operations_client(home, subject).post(
        f"/v1/cases/{quote(case, safe='')}/resolve", {"resolution": resolution}
    )
    typer.echo(json.dumps(told) if as_json else show_case_outcome(told))
