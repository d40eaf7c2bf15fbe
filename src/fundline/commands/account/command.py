"""`fundline account`: which applications name a payout account, without anybody reading an account."""

import asyncio
import json
import sys
from typing import Annotated

import typer

from fundline.commands.account.reading import find_applications, parsed
from fundline.commands.doors import JsonOption, noun
from fundline.commands.place import HomeOption, person
from fundline.platform.terminal import say

app = noun("Payout accounts: which applications name one.")


@app.callback()
def _group() -> None:
    """A group of one command so far."""


@app.command()
def find(
    reason: Annotated[str, typer.Option(help="Why you look; kept in the audit trail.")],
    actor: Annotated[str | None, typer.Option(help="Who; else the account of this machine.")] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Find the applications that name an account: an IBAN, or a US routing and account number, on standard input.

    Never as an argument: arguments are in the shell's history and in the list of processes.
    """
    if sys.stdin.isatty():
        say("Account (IBAN, or routing number and account number): ", nl=False, err=True)
    account = parsed(sys.stdin.readline())
    rows = asyncio.run(find_applications(home, account, person(actor), reason))
    if as_json:
        say(json.dumps({"last4": account.last4, "applications": rows}))
        return
    say(f"{len(rows)} applications name the account that ends with {account.last4}.")
    for row in rows:
        say(f"{row['trackingId']}  {row['createdAt'][:10]}  {row['status']:<15} {row['userId']}")
