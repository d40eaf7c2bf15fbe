"""Waits for something that a process says in its log, and kills around it."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from chaos.money_plan import TELLER, PlannedKill
from fundline.demo.target import Target
from fundline.stack.state import ProcessRecord

LOOK_EVERY_S = 0.01


@dataclass(slots=True)
class LogReader:
    """Reads what is appended to a folder of JSON logs from now on; a torn last line is read when it is whole."""

    folder: Path
    _positions: dict[Path, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._positions = {file: file.stat().st_size for file in self.folder.glob("*.log")}

    def news(self) -> list[tuple[str, str]]:
        """(event, instance that logged it), in the order of files."""
        found = []
        for file in self.folder.glob("*.log"):
            start = self._positions.get(file, 0)
            with file.open("rb") as log:
                log.seek(start)
                whole, _, _ = log.read().rpartition(b"\n")
            if whole:
                self._positions[file] = start + len(whole) + 1
                found += [(event, file.stem) for line in whole.split(b"\n") if (event := _event(line))]
        return found


def _event(line: bytes) -> str:
    if not line.startswith(b"{"):
        return ""
    try:
        return str(orjson.loads(line).get("message", ""))
    except orjson.JSONDecodeError:
        return ""


async def kill_around(
    planned: Sequence[PlannedKill], target: Target, killed: list[dict[str, object]]
) -> None:
    """Kill -9 as planned, and note it in `killed`, with milliseconds from the start of the watch.

    Without a limit of its own: a plan may ask for the fourth payment of a run that comes to three.
    """
    reader, started_at = LogReader(target.home.logs), time.perf_counter()
    waiting, seen = list(planned), Counter[str]()
    while waiting:
        for event, instance in reader.news():
            seen[event] += 1
            due = [kill for kill in waiting if (kill.trigger, kill.nth) == (event, seen[event])]
            for kill in due:
                waiting.remove(kill)
                await asyncio.sleep(kill.delay_ms / 1000)
                victim = _victim(kill, instance, target)
                if victim is not None and _kill(victim):
                    at_ms = round((time.perf_counter() - started_at) * 1000)
                    killed.append({"instance": victim.instance, "after": event, "at_ms": at_ms})
        await asyncio.sleep(LOOK_EVERY_S)


def _victim(kill: PlannedKill, teller: str, target: Target) -> ProcessRecord | None:
    process = teller.rpartition("-")[0] if kill.victim == TELLER else kill.victim
    alive = [record for record in target.instances(process) if record.identity and record.identity.is_alive()]
    told = [record for record in alive if record.instance == teller]
    return next(iter(told or alive), None)


def _kill(victim: ProcessRecord) -> bool:
    if victim.identity is None:
        return False
    try:
        os.kill(victim.identity.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
