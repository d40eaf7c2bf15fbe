"""`fundline account`: which applications name a payout account, without anybody reading an account."""

import asyncio
import json
import sys
from typing import Annotated

import typer

from fundline.commands.account.reading import find_applications, parsed
from fundline.commands.place import HomeOption, person

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Payout accounts: which applications name one."
)


@app.callback()
def _group() -> None:
    """A group of one command so far."""


@app.command()
def find(
    reason: Annotated[str, typer.Option(help="Why you look; kept in the audit trail.")],
    actor: Annotated[str | None, typer.Option(help="Who; else the account of this machine.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    home: HomeOption = None,
) -> None:
    """Find the applications that name an account: an IBAN, or a US routing and account number, on standard input.

    Never as an argument: arguments are in the shell's history and in the list of processes.
    """
    if sys.stdin.isatty():
        typer.echo("Account (IBAN, or routing number and account number): ", nl=False, err=True)
    account = parsed(sys.stdin.readline())
    rows = asyncio.run(find_applications(home, account, person(actor), reason))
    if as_json:
        typer.echo(json.dumps({"last4": account.last4, "applications": rows}))
        return
    typer.echo(f"{len(rows)} applications name the account that ends with {account.last4}.")
    for row in rows:
        typer.echo(f"{row['trackingId']}  {row['createdAt'][:10]}  {row['status']:<15} {row['userId']}")
