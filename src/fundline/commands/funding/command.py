"""`fundline funding`: what lenders have committed, and changing it by two people."""

from typing import Annotated

import typer

from fundline.commands.doors import JsonOption, YesOption, confirm, give, noun, one_of
from fundline.commands.funding.view import show_commitment, show_commitments, show_sources
from fundline.commands.operations_client import (
    AsOption,
    CursorOption,
    LimitOption,
    ReasonOption,
    operations_client,
    page_of,
    under,
)
from fundline.commands.place import HomeOption

app = noun("What lenders have committed: show what is left, ask for a change, agree to it.")

PATH = "/v1/funding-commitments"
CommitmentArgument = Annotated[str, typer.Argument(help="Id of a commitment.")]


@app.command()
def show(subject: AsOption = None, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show what each lender has committed, how much of it is drawn, and what is left."""
    give(operations_client(home, subject).get(f"{PATH}/sources"), show_sources, as_json=as_json)


@app.command("list")
def list_commitments(
    state: Annotated[
        str,
        one_of("state", ["proposed", "agreed", "withdrawn", "all"], "proposed, agreed, withdrawn or all."),
    ] = "all",
    cursor: CursorOption = None,
    limit: LimitOption = 20,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show changes of what is committed, newest first."""
    query = page_of(state, cursor, limit)
    give(operations_client(home, subject).get(PATH, query), show_commitments, as_json=as_json)


@app.command()
def change(
    currency: Annotated[str, typer.Option(help="Such as USD.")],
    amount: Annotated[str, typer.Option(help='How much more, or less with --lower: such as "5000000.00".')],
    reason: ReasonOption,
    lower: Annotated[bool, typer.Option("--lower", help="The lender has committed less.")] = False,
    account: Annotated[str, typer.Option(help="The lender's account in the ledger.")] = "lender_funding",
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Say that a lender has committed more, or less; nothing counts until another operator agrees."""
    asked = {
        "account": account,
        "currency": currency,
        "change": "lower" if lower else "raise",
        "amount": amount,
        "reason": reason,
    }
    give(operations_client(home, subject).post(PATH, asked), show_commitment, as_json=as_json)


@app.command()
def agree(
    commitment: CommitmentArgument,
    reason: ReasonOption,
    yes: YesOption = False,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Agree to what somebody else has asked for: it counts, and payments that waited are sent."""
    confirm(f"Let {commitment} count?", yes=yes)
    told = operations_client(home, subject).post(under(PATH, commitment, "approve"), {"reason": reason})
    give(told, show_commitment, as_json=as_json)


@app.command()
def withdraw(
    commitment: CommitmentArgument,
    reason: ReasonOption,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Let a change be: it will not count."""
    told = operations_client(home, subject).post(under(PATH, commitment, "withdraw"), {"reason": reason})
    give(told, show_commitment, as_json=as_json)
