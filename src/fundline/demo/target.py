"""The stack that the demo runs against: a private one, or the one that runs already."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from rich.console import Console

from fundline.platform.command_errors import CommandFailed
from fundline.stack.engines.postgres import PostgresNode
from fundline.stack.fleet import POSTGRES
from fundline.stack.keys import StackKeys, mint_token
from fundline.stack.layout import Ports, StackHome
from fundline.stack.progress import Progress
from fundline.stack.running import Stack
from fundline.stack.state import ProcessRecord, StackState, StateFile
from fundline.stack.up import running_stack

BANK = "bank-sandbox"
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1"})
TOKEN_TTL_S = 3600


@dataclass(frozen=True)
class Target:
    """Where the public API, the database and the bank of one running stack are."""

    home: StackHome
    gateway_url: str
    database_url: str
    bank_url: str

    @property
    def authority_certificate(self) -> Path:
        return StackKeys(self.home).authority_certificate

    def token(self, subject: str, role: str = "applicant") -> str:
        return mint_token(self.home, subject, role, TOKEN_TTL_S)

    def instances(self, process: str) -> list[ProcessRecord]:
        """What the stack's state file says now about the instances of a process."""
        state = StateFile(self.home.run).load()
        return [] if state is None else [record for record in state.processes if record.process == process]


def target_of(home: StackHome, state: StackState) -> Target:
    """Raises CommandFailed when the stack lacks what the demo needs."""
    addresses = {record.process: record.address for record in reversed(state.processes)}
    missing = [process for process in (POSTGRES, BANK) if process not in addresses]
    if missing or not state.gateway_url:
        raise CommandFailed(f"The stack in {home.root} has no {' and no '.join(missing or ['gateway'])}.")
    postgres = PostgresNode(home, int(addresses[POSTGRES].rpartition(":")[2]))
    return Target(home, state.gateway_url, postgres.app_url, addresses[BANK])


def running_target(url: str, home: StackHome) -> Target:
    """The running stack at `url`; its state file in `home` tells where its database and bank are."""
    state = StateFile(home.run).load()
    if state is None or not state.runner_is_alive():
        raise CommandFailed(
            f"Nothing runs in {home.root}, so its books cannot be checked; start it with `make up`, "
            "or set FUNDLINE_HOME to the folder of the stack that you mean."
        )
    if _place(url) != _place(state.gateway_url):
        raise CommandFailed(
            f"The stack in {home.root} answers at {state.gateway_url}, not at {url}; "
            "set FUNDLINE_HOME to the folder of the stack that you mean."
        )
    return target_of(home, state)


@contextmanager
def private_target(home: StackHome, console: Console) -> Iterator[Target]:
    """A stack on free ports for as long as the block runs."""
    console.print("Starting a private stack on free ports.", style="dim")
    with running_stack(home, Ports.free(), progress=Progress(console)) as stack:
        state = StateFile(home.run).load()
        if state is None:
            raise CommandFailed(f"The stack in {home.root} wrote no state; is the disk full?")
        try:
            yield target_of(home, state)
        finally:
            _shut_down(stack, console)


def keep_logs(home: StackHome) -> Path:
    """Copy the logs out of a home that will be wiped: for finding out why a check failed."""
    kept = Path(tempfile.mkdtemp(prefix="fundline-demo-logs-"))
    shutil.copytree(home.logs, kept, dirs_exist_ok=True)
    return kept


def _shut_down(stack: Stack, console: Console) -> None:
    """In silence, as the report was the last word. A Ctrl-C meanwhile kills what still runs."""

    def force(_number: int, _frame: FrameType | None) -> None:
        stack.force()

    before = {number: signal.signal(number, force) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        stack.progress = Progress(Console(stderr=True, quiet=True))
        with console.status("Stopping the private stack"):
            stack.shut_down()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _place(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return ("localhost" if host in LOCAL_NAMES else host), parts.port
