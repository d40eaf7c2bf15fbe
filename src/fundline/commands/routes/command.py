"""`fundline routes`: every route behind the gateway, with the roles that may use it."""

import json
from typing import Annotated

import typer

from fundline.commands.doors import JsonOption, noun
from fundline.commands.table import aligned
from fundline.manual.endpoints import SERVICES
from fundline.platform.terminal import say

app = noun("Every route of the API, with the roles that may use it.", shows_help=False)


@app.command()
def routes(
    service: Annotated[str | None, typer.Option(help="Only those of one service.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Method, path, roles and summary of every route, as it is declared. No role named: every role may."""
    if service is not None and service not in SERVICES:
        raise typer.BadParameter(f"The services are {', '.join(SERVICES)}.", param_hint="--service")
    rows = [
        {
            "service": name,
            "method": endpoint.method,
            "path": endpoint.path,
            "roles": list(endpoint.roles),
            "summary": endpoint.summary,
        }
        for name, endpoints in SERVICES.items()
        for endpoint in endpoints
        if service in {None, name}
    ]
    if as_json:
        for row in rows:
            say(json.dumps(row))
        return
    header = ("METHOD", "PATH", "ROLES", "SUMMARY")
    lines = [
        (str(row["method"]), str(row["path"]), ", ".join(row["roles"]) or "every role", str(row["summary"]))
        for row in rows
    ]
    for line in aligned([header, *lines]):
        say(line)
