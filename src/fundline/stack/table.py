"""What people see of a stack: the table of its parts, and commands that are ready to paste."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fundline.contracts.example import EXAMPLE_APPLICATION
from fundline.platform.kafka.groups import GroupView
from fundline.stack.running import Stack
from fundline.stack.state import ProcessRecord

SHOWN_TOKEN_TTL_S = 12 * 3600


def print_stack(stack: Stack, console: Console) -> None:
    """The parts that run now, then the address and commands to try."""
    table = _table(("part", "instances", "address", "state"))
    by_process: dict[str, list[ProcessRecord]] = {}
    for record in stack.processes():
        by_process.setdefault(record.process, []).append(record)
    for process, records in by_process.items():
        title = stack.titles().get(process, process)
        restarts = sum(record.restarts for record in records)
        state = Text("healthy", style="green")
        if restarts:
            state.append(f", {restarts} restarts", style="yellow")
        table.add_row(title, str(len(records)), _addresses(records), state)
    console.print(table)
    if stack.gateway_url:
        _print_commands(stack, console)


def print_status(rows: list[tuple[ProcessRecord, bool]], gateway_url: str, console: Console) -> None:
    """One line per process: `rows` holds each with whether it is well now."""
    table = _table(("process", "instance", "pid", "uptime", "restarts", "health", "address"))
    for record, is_healthy in rows:
        health = Text("healthy", style="green") if is_healthy else Text(trouble(record), style="bold red")
        uptime = duration(time.time() - record.started_at_s) if record.identity else "-"
        pid = str(record.identity.pid) if record.identity else "-"
        restarts = Text(str(record.restarts), style="yellow" if record.restarts else "")
        table.add_row(record.process, record.instance, pid, uptime, restarts, health, record.address)
    console.print(table)
    if gateway_url:
        console.print(Text(f"API: {gateway_url}"), soft_wrap=True)


def print_groups(groups: Sequence[GroupView], console: Console) -> None:
    """One line per consumer group; nothing when the broker does not tell."""
    if not groups:
        return
    table = _table(("consumer group", "members", "lag", "state"))
    for group in groups:
        state = Text("nobody takes it", style="bold red") if group.is_abandoned else Text("")
        table.add_row(group.group, str(group.members), str(group.lag), state)
    console.print()
    console.print(table)


def trouble(record: ProcessRecord) -> str:
    """Why a process is not healthy, in a word or two."""
    if record.identity is None:
        return "waiting to restart"
    return "not ready" if record.identity.is_alive() else "not running"


def duration(seconds: float) -> str:
    """Two units at most: 42 s, 3 min 5 s, 2 h 10 min, 3 d 4 h."""
    total_s = int(seconds)
    for size_s, unit, part_s, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if total_s >= size_s:
            return f"{total_s // size_s} {unit} {total_s % size_s // part_s} {part}"
    return f"{total_s} s"


def _table(columns: tuple[str, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        numeric = column in {"instances", "pid", "restarts", "members", "lag"}
        table.add_column(column, justify="right" if numeric else "left", no_wrap=column != "address")
    return table


def _addresses(records: list[ProcessRecord]) -> str:
    first, *others = (record.address for record in records)
    return ", ".join([first, *(":" + other.rpartition(":")[2] for other in others)])


def _print_commands(stack: Stack, console: Console) -> None:
    url = stack.gateway_url
    token = stack.token("alice", "applicant", SHOWN_TOKEN_TTL_S)
    websocket = url.replace("https://", "wss://", 1)
    authority = stack.keys.authority_certificate
    websockets_program = Path(sys.executable).with_name("websockets")
    body = json.dumps(EXAMPLE_APPLICATION, separators=(",", ":"))
    submit = (
        f"TOKEN={token}\n"
        f"ID=$(curl -sS --cacert {authority} {url}/v1/applications"
        f' -H "Authorization: Bearer $TOKEN" -H "Idempotency-Key: $(date +%s%N)"'
        f" -H 'Content-Type: application/json' -d '{body}'"
        ' | tee /dev/stderr | sed -E \'s/.*"id":"([^"]+)".*/\\1/\')'
    )
    follow = f'curl -sSN --cacert {authority} -H "Authorization: Bearer $TOKEN" {url}/v1/status/$ID/events'
    websocket_follow = (
        f'SSL_CERT_FILE={authority} {websockets_program} "{websocket}/v1/status/$ID/ws?access_token=$TOKEN"'
    )
    for title, command in (
        (f"API: {url}\n\nSubmit an application (paste both lines into another terminal):", submit),
        ("Follow it, as server-sent events:", follow),
        ("or over a WebSocket:", websocket_follow),
        (
            "Its story in the logs of all processes:",
            f"{Path(sys.executable).with_name('fundline')} logs --home {stack.home.root} --application $ID",
        ),
    ):
        console.print()
        console.print(Text(title, style="bold"), soft_wrap=True)
        console.print(Text(command), soft_wrap=True)
    console.print("\nCtrl-C drains and stops everything.", style="dim")
