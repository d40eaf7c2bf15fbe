"""The stack's commands: up, status, restart, down, reset, logs, token, migrate. Thin doors; each says one thing."""

import json
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from fundline.platform.command_errors import CommandFailed
from fundline.platform.terminal import say
from fundline.stack.layout import Ports, StackHome
from fundline.stack.progress import open_console
from fundline.stack.state import ProcessRecord, StackState, StateFile, is_locked, runner_lock, stop_leftovers

DOWN_TIMEOUT_S = 90.0
GROUPS_TIMEOUT_S = 30.0
"""Longer than asking the broker takes at most."""
HOME_FOLDERS = {"data", "logs", "keys", "run"}
"""What a stack's home holds: `reset` refuses a folder with anything else, it is somebody's."""
ROLES = ("applicant", "partner", "underwriter", "operator", "compliance")
MAX_TOKEN_TTL_S = 24 * 3600
"""As `token_max_life_s` allows."""

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder of the stack; else FUNDLINE_HOME, else ./var.")
]


JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output, errors too.")]


def _give(sentence: str, answer: dict[str, object], *, as_json: bool) -> None:
    say(json.dumps(answer) if as_json else sentence)


def register(app: typer.Typer) -> None:
    """Add the stack's commands to the command line."""
    for command in (up, status, restart, down, reset, logs, token, migrate):
        app.command()(command)


def up(
    home: HomeOption = None,
    private: Annotated[
        bool, typer.Option(help="Free ports and a temporary folder, wiped at the end.")
    ] = False,
    keep: Annotated[bool, typer.Option(help="With --private: keep the folder.")] = False,
) -> None:
    """Bring the engines and the whole fleet up and stay in the foreground; Ctrl-C drains and stops all."""
    from fundline.stack.private import private_home
    from fundline.stack.up import up as bring_up

    if private and home:
        raise CommandFailed("--private makes a folder of its own; leave out --home.")
    console = open_console(is_vital=False)
    with private_home(keep=keep) if private else nullcontext(_home(home)) as chosen:
        ports = Ports.free() if private else Ports.from_environment()
        code = bring_up(chosen, ports, console, private=private)
        if keep:
            console.print(f"The folder is kept: {chosen.root}", soft_wrap=True)
    raise typer.Exit(code)


def status(
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the running fleet; exit status 1 when a part is not healthy, work waits for nobody, or nothing runs."""
    from fundline.stack.groups import groups_of
    from fundline.stack.ready import is_well
    from fundline.stack.table import print_groups, print_status, trouble

    state = _running_state(_home(home))
    with ThreadPoolExecutor(max_workers=32) as pool:
        asked = pool.submit(groups_of, state)
        wells = list(pool.map(lambda record: _is_alive(record) and is_well(record.health), state.processes))
        groups = asked.result(GROUPS_TIMEOUT_S)
    rows = list(zip(state.processes, wells, strict=True))
    is_abandoned = any(group.is_abandoned for group in groups)
    is_healthy = all(wells) and not is_abandoned and state.phase == "running"
    if as_json:
        processes = [
            {**asdict(record), "health": "healthy" if well else trouble(record), "health_url": record.health}
            for record, well in rows
        ]
        answer = {"phase": state.phase, "healthy": is_healthy, "gateway": state.gateway_url}
        lags = [{"group": one.group, "members": one.members, "lag": one.lag} for one in groups]
        say(json.dumps({**answer, "processes": processes, "groups": lags}, indent=2))
    else:
        print_status(rows, state.gateway_url, open_console())
        print_groups(groups, open_console())
        if state.phase != "running":
            say(f"The stack is {state.phase}.")
    raise typer.Exit(0 if is_healthy else 1)


def restart(
    names: Annotated[
        list[str] | None, typer.Argument(help="Processes or instances: application-api, status-service-2.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every service.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Replace services one instance after the other; the gateway refuses nothing meanwhile."""
    from fundline.stack.rolling import Rolling

    if bool(names) == every:
        raise CommandFailed("Name what to restart, or say --all for every service.")
    place = _home(home)
    _running_state(place)
    lines: list[str] = []
    Rolling(StateFile(place.run), lines.append if as_json else say).restart(names or [])
    if as_json:
        say(
            json.dumps(
                {"restarted": [line.partition(":")[0] for line in lines if line.endswith(": restarted")]}
            )
        )


def down(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Stop a stack that runs in another terminal, or what a killed one left behind."""
    place = _home(home)
    if not place.run.is_dir():
        _give(f"Nothing runs in {place.root}.", {"stopped": False}, as_json=as_json)
        return
    state = StateFile(place.run).load()
    if state is not None and is_locked(place.run) and state.runner_is_alive():
        os.kill(state.runner.pid, signal.SIGTERM)
        deadline = time.monotonic() + DOWN_TIMEOUT_S
        while state.runner_is_alive():
            if time.monotonic() > deadline:
                raise CommandFailed(
                    f"The runner (pid {state.runner.pid}) did not stop in {DOWN_TIMEOUT_S:.0f} s."
                )
            time.sleep(0.1)
        _give("Stopped.", {"stopped": True}, as_json=as_json)
        return
    with runner_lock(place.run):
        found = stop_leftovers(state, place.root, _quiet if as_json else say)
        StateFile(place.run).remove()
    sentence = "Stopped." if found else f"Nothing runs in {place.root}."
    _give(sentence, {"stopped": bool(found)}, as_json=as_json)


def reset(
    home: HomeOption = None,
    as_json: JsonOption = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Wipe the data, logs and keys of a stopped stack."""
    place = _home(home)
    if not place.root.exists():
        _give(f"Nothing to wipe: {place.root} does not exist.", {"wiped": False}, as_json=as_json)
        return
    strange = sorted(entry.name for entry in place.root.iterdir() if entry.name not in HOME_FOLDERS)
    if strange or not place.data.is_dir():
        raise CommandFailed(
            f"{place.root} does not look like a folder that Fundline made"
            f"{' (it holds ' + strange[0] + ')' if strange else ''}; nothing was wiped."
        )
    with runner_lock(place.run):
        if not yes and not (sys.stdin.isatty() and typer.confirm(f"Wipe all data in {place.root}?")):
            raise CommandFailed(
                "Nothing was wiped; say --yes (with make: YES=1) to wipe without being asked."
            )
        stop_leftovers(StateFile(place.run).load(), place.root, _quiet if as_json else say)
        place.wipe()
    _give(f"Wiped {place.root}.", {"wiped": True}, as_json=as_json)


def logs(
    application: Annotated[str, typer.Option("--application", "-a", help="Application id or tracking id.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new lines until Ctrl-C.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Print the story of one application over all processes, in the order of time."""
    from fundline.stack.logs import print_story

    try:
        print_story(_home(home), application, follow, open_console())
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def token(
    subject: Annotated[str, typer.Option(help="Who: the token's subject, such as alice.")],
    role: Annotated[str, typer.Option(help=", ".join(ROLES))] = "applicant",
    ttl: Annotated[int, typer.Option(min=1, max=MAX_TOKEN_TTL_S, help="Seconds until it expires.")] = 3600,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Print a development access token."""
    from fundline.stack.keys import StackKeys, mint_token

    if role not in ROLES:
        raise CommandFailed(f"There is no role “{role}”; choose one of {', '.join(ROLES)}.")
    place = _home(home)
    if not StackKeys(place).token_key.exists():
        raise CommandFailed(f"There are no keys in {place.keys}; start Fundline with `make up` first.")
    minted = mint_token(place, subject, role, ttl)
    _give(minted, {"token": minted, "expiresInSeconds": ttl}, as_json=as_json)


def migrate(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Bring a schema to the newest revision: FUNDLINE_MIGRATION_DATABASE_URL, else the running stack's."""
    from fundline.stack.engines.postgres import PostgresNode
    from fundline.stack.preparation import migrate as migrate_database

    url = os.environ.get("FUNDLINE_MIGRATION_DATABASE_URL")
    place = _home(home)
    if not url:
        state = _running_state(place)
        port = next(int(r.address.rpartition(":")[2]) for r in state.processes if r.process == "postgres")
        url = PostgresNode(place, port).owner_url
    with TemporaryDirectory() as elsewhere:  # a log without a stack goes nowhere
        log_file = place.log_file("migrate") if place.logs.is_dir() else Path(elsewhere) / "migrate.log"
        migrate_database(url, log_file)
    _give("The schema is at the newest revision.", {"revision": "newest"}, as_json=as_json)


def _quiet(_: str) -> None:
    """Progress that a program does not read."""


def _home(chosen: Path | None) -> StackHome:
    return StackHome(chosen.absolute()) if chosen else StackHome.from_environment()


def _running_state(home: StackHome) -> StackState:
    state = StateFile(home.run).load()
    if state is None:
        raise CommandFailed(f"Nothing runs in {home.root}; start Fundline with `make up`.")
    if not state.runner_is_alive():
        raise CommandFailed(
            f"The runner of {home.root} was killed; `make up` cleans up and starts anew, "
            "`fundline down` only stops what it left."
        )
    return state


def _is_alive(record: ProcessRecord) -> bool:
    return record.identity is not None and record.identity.is_alive()
