"""`fundline decision`: shows the evidence of a decision, and makes the decision once more from it."""

import json
from typing import Annotated

import typer

from fundline.commands.decision.page import show_decision
from fundline.commands.decision.reading import compare_application, header, last_assessment, row_of
from fundline.commands.decision.view import show_differences
from fundline.commands.doors import JsonOption, give, noun
from fundline.commands.place import HomeOption
from fundline.platform.command_errors import CommandFailed
from fundline.platform.terminal import say
from fundline.risk.artefact import MODELS_DIRECTORY, load_model
from fundline.risk.evidence import UnreadableEvidence
from fundline.risk.model import Model
from fundline.risk.replay import compare_row, repeat

app = noun("The evidence of decisions: show it, or decide once more from it.")


ApplicationArgument = Annotated[str, typer.Argument(help="Application id or tracking id.")]
NumberOption = Annotated[
    int | None, typer.Option("--assessment", min=1, help="Which one, when there are several; else the last.")
]


@app.command()
def show(
    application: ApplicationArgument,
    assessment: NumberOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show a decision as a page to file: reasons with figures, score, stress, rules, evidence."""
    row = last_assessment(home, application, assessment)
    evidence = json.loads(row["evidence"])
    head = header(row)
    give({**head, "evidence": evidence}, lambda _: show_decision(head, evidence), as_json=as_json)


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
    row = last_assessment(home, application, assessment)
    try:
        differences = [
            *repeat(row["evidence"], _load),
            *compare_row(row["evidence"], row_of(row)),
            *compare_application(row),
        ]
    except UnreadableEvidence as error:
        raise CommandFailed(str(error)) from error
    if as_json:
        found = [{"what": d.what, "recorded": d.recorded, "repeated": d.repeated} for d in differences]
        say(json.dumps({**header(row), "same": not differences, "differences": found}))
    else:
        show_differences(row, differences)
    raise typer.Exit(1 if differences else 0)


def _load(version: str) -> Model:
    return load_model(MODELS_DIRECTORY / version)
