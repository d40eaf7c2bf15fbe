"""`fundline payment end`, `agree`, `withdraw`, `endings`: two people end a payment that no machine can end."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from fundline.commands.doors import JsonOption, YesOption, confirm, give, one_of
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

_PATH = "/v1/payment-endings"
EndingArgument = Annotated[str, typer.Argument(help="Id of an ending.")]


def end(
    application: Annotated[str, typer.Argument(help="Id of the application.")],
    outcome: Annotated[
        str, one_of("outcome", ["settled", "failed", "returned"], "settled, failed or returned.")
    ],
    evidence: Annotated[
        str, typer.Option(help="What the bank has written: which letter, of which day, its words.")
    ],
    reason: ReasonOption,
    transaction: Annotated[
        str | None, typer.Option(help="The bank's transaction, of what it has paid.")
    ] = None,
    code: Annotated[str | None, typer.Option(help="The bank's reason why it failed or came back.")] = None,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Say what the bank has written of a payment that is unknown or contradicted; another operator has to agree."""
    asked = {
        "applicationId": application,
        "outcome": outcome,
        "transactionId": transaction,
        "code": code,
        "evidence": evidence,
        "reason": reason,
    }
    give(operations_client(home, subject).post(_PATH, asked), _show_ending, as_json=as_json)


def agree(
    ending: EndingArgument,
    reason: ReasonOption,
    yes: YesOption = False,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Agree to what somebody else says became of a payment: it ends, and is booked. It cannot be undone."""
    confirm(f"End the payment as {ending} says?", yes=yes)
    told = operations_client(home, subject).post(under(_PATH, ending, "approve"), {"reason": reason})
    give(told, _show_ending, as_json=as_json)


def withdraw(
    ending: EndingArgument,
    reason: ReasonOption,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Let an ending be: the payment goes on."""
    told = operations_client(home, subject).post(under(_PATH, ending, "withdraw"), {"reason": reason})
    give(told, _show_ending, as_json=as_json)


def endings(
    state: Annotated[
        str,
        one_of("state", ["proposed", "agreed", "withdrawn", "all"], "proposed, agreed, withdrawn or all."),
    ] = "proposed",
    cursor: CursorOption = None,
    limit: LimitOption = 20,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show endings of payments, newest first."""
    query = page_of(state, cursor, limit)
    page = operations_client(home, subject).get(_PATH, query)
    give(page, _show_endings, as_json=as_json)


def _show_endings(page: Mapping[str, Any]) -> str:
    if not page["items"]:
        return "There are no endings."
    rows = [["id", "state", "application", "outcome", "requested by", "reason"]]
    rows += [
        [e["id"], e["state"], e["applicationId"], e["outcome"], e["requestedBy"], e["reason"]]
        for e in page["items"]
    ]
    return "\n".join([*aligned(rows), *older_ones(page)])


def _show_ending(told: Mapping[str, Any]) -> str:
    sentences = {
        "proposed": "Asked for; another operator has to agree: `fundline payment agree {id} --reason ...`.",
        "agreed": "Ended: payment {paymentId} of {amount} {currency} is {outcome}.",
        "withdrawn": "Withdrawn; the payment goes on.",
    }
    return sentences[told["state"]].format_map(told)
