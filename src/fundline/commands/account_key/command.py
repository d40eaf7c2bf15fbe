"""`fundline account-key`: the keys that seal payout accounts."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from fundline.commands.account_key.deeds import AccountKeys
from fundline.commands.doors import JsonOption, give, noun
from fundline.commands.place import HomeOption, home_of, open_place, person
from fundline.contracts.payloads import iso_utc
from fundline.platform.command_errors import CommandFailed
from fundline.platform.refusals import Unavailable
from fundline.platform.terminal import say
from fundline.stack.keys import StackKeys

app = noun("The keys that seal payout accounts: list, add, rotate, retire.")
T = TypeVar("T")

ReasonOption = Annotated[str, typer.Option(help="Why; kept in the audit trail.")]
ActorOption = Annotated[str | None, typer.Option(help="Who; else the account of this machine.")]


@app.command("list")
def list_keys(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show the keys, and how many accounts each of them seals."""

    async def read(keys: AccountKeys) -> list[dict[str, object]]:
        counts = await keys.rows_by_key()
        ring = keys.ring()
        known: list[dict[str, object]] = [
            {
                "keyId": key.key_id.hex(),
                "addedAt": None if key.added_at is None else iso_utc(key.added_at),
                "seals": key is ring.newest,
                "accounts": counts.pop(key.key_id.hex(), 0),
            }
            for key in ring.keys
        ]
        lost: list[dict[str, object]] = [
            {"keyId": key_id, "addedAt": None, "seals": False, "accounts": rows, "lost": True}
            for key_id, rows in counts.items()
        ]
        return [*known, *lost]

    rows = _with_keys(home, None, read)
    if as_json:
        say(json.dumps({"keys": rows}))
        return
    for row in rows:
        state = "not in the key file" if row.get("lost") else "seals" if row["seals"] else "opens"
        say(f"{row['keyId']}  {state:<8} {row['accounts']} accounts, added {row['addedAt'] or 'at first'}")


@app.command()
def add(
    reason: ReasonOption = "added by hand",
    actor: ActorOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Add a fresh key. Every process seals with it at once; the older ones still open."""
    key_id = _with_keys(home, actor, lambda keys: keys.add(reason))
    give(
        {"keyId": key_id},
        lambda _: f"{key_id} seals from now on. Next: `fundline account-key rotate`.",
        as_json=as_json,
    )


@app.command()
def rotate(
    reason: ReasonOption = "rotated by hand",
    actor: ActorOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Seal every account with the newest key, while everything runs; may be stopped and started again."""
    rotated = _with_keys(home, actor, lambda keys: keys.rotate(reason, _show_progress))
    broken = sorted(map(str, rotated.broken))
    give(
        {"keyId": rotated.key_id, "resealed": rotated.resealed, "broken": broken},
        lambda _: f"{rotated.resealed} accounts were sealed with {rotated.key_id}.",
        as_json=as_json,
    )
    for application_id in broken:
        say(f"The account of application {application_id} opens with no key.", err=True)
    if broken:
        raise typer.Exit(1)


@app.command()
def retire(
    key_id: Annotated[str, typer.Argument(help="As `fundline account-key list` shows it.")],
    reason: ReasonOption = "retired by hand",
    actor: ActorOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Take a key out of the file for good; refused while an account is sealed with it."""
    _with_keys(home, actor, lambda keys: keys.retire(key_id, reason))
    give({"retired": key_id}, lambda _: f"{key_id} is gone.", as_json=as_json)


def key_file_of(home: Path | None) -> Path:
    """FUNDLINE_ACCOUNT_KEY_FILE, else the stack's."""
    chosen = os.environ.get("FUNDLINE_ACCOUNT_KEY_FILE")
    return Path(chosen) if chosen else StackKeys(home_of(home)).account_key


def _show_progress(resealed: int) -> None:
    say(f"\r{resealed} accounts", nl=False, err=True)


def _with_keys(home: Path | None, actor: str | None, work: Callable[[AccountKeys], Awaitable[T]]) -> T:
    """Raises CommandFailed, also when the database does not answer."""
    who = person(actor)

    async def run() -> T:
        database = await open_place(home)
        try:
            return await work(AccountKeys(database, key_file_of(home), who))
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except Unavailable as error:
        raise CommandFailed("The database does not answer; what was begun can be done again.") from error
