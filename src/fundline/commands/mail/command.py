"""`fundline mail`: what the running stack has mailed, from its mail sink."""

import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from fundline.commands.doors import JsonOption, give, noun
from fundline.commands.mail.view import listed
from fundline.commands.place import HomeOption, home_of
from fundline.platform.command_errors import CommandFailed
from fundline.platform.terminal import say
from fundline.stack.state import StateFile

app = noun("Mails of the running stack, as the mail sink keeps them.")
_TIMEOUT_S = 5.0


@app.callback()
def mail() -> None:
    """Mails of the running stack, as the mail sink keeps them."""


@app.command("list")
def list_(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Every mail that is kept, newest first."""
    found = _asked(home, "/mails")
    give(found, lambda told: "\n".join(listed(told["items"])), as_json=as_json)


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="As `fundline mail list` numbers them.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """One mail: headers and text; its HTML is on the sink's page."""
    kept = _asked(home, f"/mails/{number}/json")
    if as_json:
        say(json.dumps(kept))
        return
    for name, value in kept["headers"]:
        say(f"{name}: {value}")
    say(f"\n{kept['text']}")


def _asked(home: Path | None, path: str) -> dict[str, Any]:
    """Raises CommandFailed."""
    place = home_of(home)
    state = StateFile(place.run).load()
    address = next((r.address for r in state.processes if r.process == "mail-sink"), None) if state else None
    if address is None:
        raise CommandFailed(f"No mail sink runs in {place.root}; start Fundline with `make up`.")
    try:
        answer = httpx.get(f"{address}{path}", timeout=_TIMEOUT_S, trust_env=False)
        body: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise CommandFailed(
            f"The mail sink does not answer at {address} ({type(error).__name__})."
        ) from error
    if answer.is_error:
        raise CommandFailed(str(body.get("detail", "The mail sink refused the request.")))
    return body
