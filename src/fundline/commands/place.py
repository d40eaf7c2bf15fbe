"""Where a command finds the database: FUNDLINE_DATABASE_URL, else the running stack of the home."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from fundline.platform.command_errors import CommandFailed
from fundline.platform.database import Database, open_database
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import DatabaseSettings
from fundline.stack.engines.postgres import PostgresNode
from fundline.stack.flags_file import flags_file
from fundline.stack.fleet import BANK, KAFKA, POSTGRES, VALKEY
from fundline.stack.layout import StackHome
from fundline.stack.state import StateFile

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Folder of the stack; else FUNDLINE_HOME, else ./var.")
]
T = TypeVar("T")


def home_of(chosen: Path | None) -> StackHome:
    return StackHome(chosen.absolute()) if chosen else StackHome.from_environment()


def database_url(chosen: Path | None) -> str:
    """Raises CommandFailed when no stack runs there."""
    if url := os.environ.get("FUNDLINE_DATABASE_URL"):
        return url
    home = home_of(chosen)
    address = running_address(home, POSTGRES, setting="FUNDLINE_DATABASE_URL")
    return PostgresNode(home, int(address.rpartition(":")[2])).app_url


def flags_path(chosen: Path | None) -> Path:
    """FUNDLINE_FLAGS_FILE, else the stack's."""
    given = os.environ.get("FUNDLINE_FLAGS_FILE")
    return Path(given) if given else flags_file(home_of(chosen))


def bank_url(chosen: Path | None) -> str:
    """FUNDLINE_BANK_URL, else the running stack's. Raises CommandFailed when there is neither."""
    setting = "FUNDLINE_BANK_URL"
    return os.environ.get(setting) or running_address(home_of(chosen), BANK, setting=setting)


def cache_url(chosen: Path | None) -> str:
    """FUNDLINE_CACHE_URL, else the running stack's. Raises CommandFailed when there is neither."""
    setting = "FUNDLINE_CACHE_URL"
    return os.environ.get(setting) or f"redis://{running_address(home_of(chosen), VALKEY, setting=setting)}/0"


def kafka_bootstrap(chosen: Path | None) -> str:
    """FUNDLINE_KAFKA_BOOTSTRAP, else the running stack's. Raises CommandFailed when there is neither."""
    setting = "FUNDLINE_KAFKA_BOOTSTRAP"
    return os.environ.get(setting) or running_address(home_of(chosen), KAFKA, setting=setting)


def running_address(home: StackHome, process: str, *, setting: str) -> str:
    """Of the first instance in a running stack. Raises CommandFailed, which names the setting that helps."""
    state = StateFile(home.run).load()
    if state is None or not state.runner_is_alive():
        raise CommandFailed(f"Nothing runs in {home.root}; start Fundline with `make up`, or set {setting}.")
    address = next((record.address for record in state.processes if record.process == process), None)
    if address is None:
        raise CommandFailed(f"The stack in {home.root} has no {process}; set {setting}.")
    return address


async def open_place(chosen: Path | None) -> Database:
    """A connection as the processes have one. Raises CommandFailed or DatabaseUnavailable."""
    return await open_database(
        DatabaseSettings(database_url=database_url(chosen), instance="fundline-command", database_pool_size=1)
    )


def read_place(chosen: Path | None, work: Callable[[Database], Awaitable[T]]) -> T:
    """What `work` returns. Raises CommandFailed, also when the database does not answer."""

    async def run() -> T:
        database = await open_place(chosen)
        try:
            return await work(database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except Unavailable as away:
        raise CommandFailed("The database does not answer; repeat the command when it does.") from away


def person(chosen: str | None) -> str:
    """Who does this, for the record: as given, else the account of this machine. Raises CommandFailed."""
    try:
        return chosen or getpass.getuser()
    except (OSError, KeyError) as error:  # an account without a name
        raise CommandFailed("This machine does not say who you are; give --actor.") from error
