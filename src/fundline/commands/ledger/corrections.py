"""`fundline ledger correct`, `approve`, `withdraw`, `corrections`: two people put right what was booked wrongly."""

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import typer

from fundline.commands.doors import JsonOption, one_of
from fundline.commands.operations_client import (
    AsOption,
    CursorOption,
    ReasonOption,
    older_ones,
    operations_client,
)
from fundline.commands.place import HomeOption
from fundline.commands.table import aligned
from fundline.platform.command_errors import CommandFailed
from fundline.platform.terminal import say

_PATH = "/v1/ledger-corrections"
CorrectionArgument = Annotated[str, typer.Argument(help="Id of a correction.")]


def correct(
    transfer: Annotated[str, typer.Argument(help="Id of the transfer that is wrong.")],
    reason: ReasonOption,
    debit: Annotated[str | None, typer.Option(help="Account that should have been debited.")] = None,
    credit: Annotated[str | None, typer.Option(help="Account that should have been credited.")] = None,
    amount: Annotated[str | None, typer.Option(help='Such as "1200.50".')] = None,
    currency: Annotated[str | None, typer.Option(help="Such as USD.")] = None,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Ask for a transfer to be reversed, and for another one in its place when accounts are given."""
    instead = {"debit": debit, "credit": credit, "amount": amount, "currency": currency}
    given = [value for value in instead.values() if value is not None]
    if given and len(given) != len(instead):
        raise CommandFailed("Give --debit, --credit, --amount and --currency together, or none of them.")
    asked = {"transferId": transfer, "reason": reason, "instead": instead if given else None}
    _tell(operations_client(home, subject).post(_PATH, asked), as_json=as_json)


def approve(
    correction: CorrectionArgument,
    reason: ReasonOption,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Agree to a correction that somebody else has asked for: it is booked."""
    path = f"{_PATH}/{quote(correction, safe='')}/approve"
    _tell(operations_client(home, subject).post(path, {"reason": reason}), as_json=as_json)


def withdraw(
    correction: CorrectionArgument,
    reason: ReasonOption,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Let a correction be: it will not be booked."""
    path = f"{_PATH}/{quote(correction, safe='')}/withdraw"
    _tell(operations_client(home, subject).post(path, {"reason": reason}), as_json=as_json)


def corrections(
    state: Annotated[
        str,
        one_of("state", ["proposed", "booked", "withdrawn", "all"], "proposed, booked, withdrawn or all."),
    ] = "proposed",
    cursor: CursorOption = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show corrections, newest first."""
    query = {"state": None if state == "all" else state, "cursor": cursor, "limit": limit}
    page = operations_client(home, subject).get(_PATH, query)
    if as_json:
        say(json.dumps(page))
    elif not page["items"]:
        say("There are no corrections.")
    else:
        rows = [["id", "state", "transfer", "requested by", "reason"]]
        rows += [[c["id"], c["state"], c["transferId"], c["requestedBy"], c["reason"]] for c in page["items"]]
        say("\n".join([*aligned(rows), *older_ones(page)]))


def _tell(told: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        say(json.dumps(told))
        return
    sentences = {
        "proposed": "Asked for; another operator has to agree: `fundline ledger approve {id} --reason ...`.",
        "booked": "Booked: transfer {transferId} is reversed by {reversalId}.",
        "withdrawn": "Withdrawn; nothing is booked.",
    }
    say(sentences[told["state"]].format_map(told))
