"""`fundline ledger correct`, `approve`, `withdraw`, `corrections`: two people put right what was booked wrongly."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from fundline.commands.doors import JsonOption, give, one_of
from fundline.commands.operations_client import (
    AsOption,
    CursorOption,
    LimitOption,
    ReasonOption,
    older_ones,
    operations_client,
    page_of,
    under,
)
from fundline.commands.place import HomeOption
from fundline.commands.table import aligned
from fundline.platform.command_errors import CommandFailed

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
    give(operations_client(home, subject).post(_PATH, asked), _show_correction, as_json=as_json)


def approve(
    correction: CorrectionArgument,
    reason: ReasonOption,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Agree to a correction that somebody else has asked for: it is booked."""
    path = under(_PATH, correction, "approve")
    told = operations_client(home, subject).post(path, {"reason": reason})
    give(told, _show_correction, as_json=as_json)


def withdraw(
    correction: CorrectionArgument,
    reason: ReasonOption,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Let a correction be: it will not be booked."""
    path = under(_PATH, correction, "withdraw")
    told = operations_client(home, subject).post(path, {"reason": reason})
    give(told, _show_correction, as_json=as_json)


def corrections(
    state: Annotated[
        str,
        one_of("state", ["proposed", "booked", "withdrawn", "all"], "proposed, booked, withdrawn or all."),
    ] = "proposed",
    cursor: CursorOption = None,
    limit: LimitOption = 20,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show corrections, newest first."""
    query = page_of(state, cursor, limit)
    page = operations_client(home, subject).get(_PATH, query)
    give(page, _show_corrections, as_json=as_json)


def _show_corrections(page: Mapping[str, Any]) -> str:
    if not page["items"]:
        return "There are no corrections."
    rows = [["id", "state", "transfer", "requested by", "reason"]]
    rows += [[c["id"], c["state"], c["transferId"], c["requestedBy"], c["reason"]] for c in page["items"]]
    return "\n".join([*aligned(rows), *older_ones(page)])


def _show_correction(told: Mapping[str, Any]) -> str:
    sentences = {
        "proposed": "Asked for; another operator has to agree: `fundline ledger approve {id} --reason ...`.",
        "booked": "Booked: transfer {transferId} is reversed by {reversalId}.",
        "withdrawn": "Withdrawn; nothing is booked.",
    }
    return sentences[told["state"]].format_map(told)
