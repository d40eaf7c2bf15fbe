"""`fundline payment`: payments, the release of those that wait for a second person, and the kill switch."""

import asyncio
import getpass
import json
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from fundline.commands.flag_edit import flags_path, only_editor, read_flags, replace_flags
from fundline.commands.operations_client import (
    AsOption,
    CursorOption,
    JsonOption,
    ReasonOption,
    older_ones,
    operations_client,
)
from fundline.commands.payment.view import payment_row
from fundline.commands.place import HomeOption, home_of, open_place
from fundline.commands.table import aligned
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import utc_now
from fundline.platform.command_errors import CommandFailed

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Payments: list, show, release, halt, resume."
)

ApplicationArgument = Annotated[str, typer.Argument(help="Id of the application.")]
PATH = "/v1/disbursements"
FLAG, STREAM = "payments", "payments"


@app.command("list")
def list_payments(
    state: Annotated[str, typer.Option(help="requested, submitted, unknown, … or all.")] = "requested",
    cursor: CursorOption = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 20,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show payments, that of the newest application first."""
    query = {"state": None if state == "all" else state, "cursor": cursor, "limit": limit}
    page = operations_client(home, subject).get(PATH, query)
    if as_json:
        typer.echo(json.dumps(page))
    elif page["items"]:
        header = ("application", "amount", "", "state", "waits for", "approved by")
        rows = [header, *(payment_row(item) for item in page["items"])]
        typer.echo("\n".join([*aligned(rows, right={1}), *older_ones(page)]))
    else:
        typer.echo("No payment matches.")


@app.command()
def show(
    application: ApplicationArgument,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show the payment of one application."""
    found = operations_client(home, subject).get(f"{PATH}/{quote(application, safe='')}")
    if as_json:
        typer.echo(json.dumps(found))
    else:
        typer.echo(
            "\n".join(aligned([(name, str(value)) for name, value in found.items() if value is not None]))
        )


@app.command()
def release(
    application: ApplicationArgument,
    reason: ReasonOption,
    subject: AsOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Let a payment above the limit go; you are neither who approved it nor who is paid."""
    path = f"{PATH}/{quote(application, safe='')}/release"
    told = operations_client(home, subject).post(path, {"reason": reason})
    typer.echo(
        json.dumps(told)
        if as_json
        else f"Released: {told['amount']} {told['currency']}, payment {told['paymentId']}."
    )


@app.command()
def halt(reason: ReasonOption, subject: AsOption = None, home: HomeOption = None) -> None:
    """Send no payment any more; what is with the bank is looked up all the same."""
    asyncio.run(_turn("halted", reason, subject, home))
    typer.echo("Payments are halted. They wait, and go on with `fundline payment resume`.")


@app.command()
def resume(reason: ReasonOption, subject: AsOption = None, home: HomeOption = None) -> None:
    """Send payments again."""
    asyncio.run(_turn("on", reason, subject, home))
    typer.echo("Payments go on.")


async def _turn(variant: str, reason: str, subject: str | None, home: Path | None) -> None:
    """The flag and its audit entry. Raises CommandFailed, DatabaseUnavailable; a halt then stands all the same."""
    file = flags_path(home_of(home))
    with only_editor(file):
        document = read_flags(file)
        flag = document["flags"].get(FLAG)
        if flag is None or variant not in flag.get("variants", {}):
            raise CommandFailed(f"The flags at {file} have no flag {FLAG} that can be {variant}.")
        before = flag["defaultVariant"]
        flag["defaultVariant"] = variant
        if variant == "halted":
            replace_flags(file, document)  # first: money must stop though the database is away
        database = await open_place(home)
        try:
            async with database.transaction() as connection:
                actor = f"command-line:{subject or getpass.getuser()}"
                action = "payments.halted" if variant == "halted" else "payments.resumed"
                await record(
                    connection, AuditEntry(STREAM, actor, action, utc_now(), reason, {"before": before})
                )
        finally:
            await database.close()
        if variant != "halted":
            replace_flags(file, document)
