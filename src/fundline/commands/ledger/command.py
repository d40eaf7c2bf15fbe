"""`fundline ledger`: the books as of a moment, and whether every rule of theirs holds."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from fundline.commands.doors import JsonOption, noun
from fundline.commands.ledger.corrections import approve, correct, corrections, withdraw
from fundline.commands.ledger.view import balance_json, balances_table, entries_table, entry_json
from fundline.commands.place import HomeOption, read_place
from fundline.contracts.payloads import iso_utc
from fundline.platform.command_errors import CommandFailed
from fundline.platform.database import Connection, Database
from fundline.platform.terminal import say
from fundline.records import ledger_views
from fundline.records.books import SNAPSHOT
from fundline.records.ledger_views import AccountUnknown, out_of_balance

app = noun("The books: what is in them, whether they hold, corrections.")
for _command in (correct, approve, withdraw, corrections):
    app.command()(_command)
T = TypeVar("T")

AtOption = Annotated[
    str | None,
    typer.Option("--at", help="As of a moment, ISO 8601, such as 2026-11-24T12:00:00Z; else now."),
]


@app.command("trial-balance")
def trial_balance(at: AtOption = None, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Debits, credits and balance of every account; exit status 1 when debits and credits differ."""
    moment = _moment(at)
    balances = _in_snapshot(home, lambda connection: ledger_views.trial_balance(connection, moment))
    rest = out_of_balance(balances)
    if as_json:
        say(
            json.dumps(
                {
                    "at": None if moment is None else iso_utc(moment),
                    "balanced": not rest,
                    "accounts": [balance_json(line) for line in balances],
                    "outOfBalance": {currency: amount.text() for currency, amount in rest.items()},
                }
            )
        )
    else:
        say(balances_table(balances))
        for currency, amount in rest.items():
            say(f"Debits and credits differ by {amount.text()} {currency}.")
    raise typer.Exit(1 if rest else 0)


@app.command()
def account(
    name: Annotated[str, typer.Argument(help="Name of the account, such as disbursement_clearing.")],
    at: AtOption = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many postings, the newest.")] = 20,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """The newest postings on one account, with the balance after each."""
    moment = _moment(at)
    try:
        found = _in_snapshot(
            home, lambda connection: ledger_views.entries(connection, name, at=moment, limit=limit)
        )
    except AccountUnknown as error:
        raise CommandFailed(str(error)) from error
    if as_json:
        say(json.dumps({"account": name, "entries": [entry_json(entry) for entry in found]}))
    elif not found:
        say(f"{name} has no postings.")
    else:
        say(entries_table(found))


@app.command()
def verify(at: AtOption = None, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Hold every rule of the ledger against every row; exit status 1 when one does not hold."""
    moment = _moment(at)
    problems = _in_snapshot(home, lambda connection: ledger_views.verify(connection, moment))
    if as_json:
        found = [{"check": p.check, "subject": p.subject, "sentence": p.sentence} for p in problems]
        say(json.dumps({"holds": not problems, "problems": found}))
    else:
        for problem in problems:
            say(problem.sentence)
        say(f"{len(problems)} problems." if problems else "The books hold.")
    raise typer.Exit(1 if problems else 0)


def _moment(text: str | None) -> datetime | None:
    """Raises CommandFailed. A time without an offset is UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandFailed(f"“{text}” is not a time; write it like 2026-11-24T12:00:00Z.") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _in_snapshot(home: Path | None, work: Callable[[Connection], Awaitable[T]]) -> T:
    async def read(database: Database) -> T:
        async with database.transaction() as connection:
            await connection.execute(SNAPSHOT)
            return await work(connection)

    return read_place(home, read)
