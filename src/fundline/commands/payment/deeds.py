"""The emergency door: payments are halted by the flags file of this machine, though the operations API is away."""

import asyncio
import os
from pathlib import Path
from typing import Any

from fundline.commands.place import flags_path, open_place, person
from fundline.platform.clock import utc_now
from fundline.platform.command_errors import CommandFailed
from fundline.platform.flag_file import FlagFile
from fundline.platform.refusals import Refusal, Unavailable
from fundline.services.operations_api.payments_switch.journal import halt_here, put_on_record

ACTOR = "emergency"


def halt_in_emergency(home: Path | None, subject: str | None, reason: str) -> dict[str, Any]:
    """Halts first. `recorded`: it is in the audit trail; else the operations API puts it there when it is back.

    Raises FlagsElsewhere, FlagFileUnusable.
    """
    file = flags_path(home)
    FlagFile(file, os.environ.get("FUNDLINE_FLAGS_PROVIDER", "file")).require_ours()
    halt = halt_here(file, f"{ACTOR}:{person(subject)}", reason, at=utc_now())
    return {"state": "halted", "before": halt.before, "by": halt.actor, "recorded": _record(home, file)}


def _record(home: Path | None, file: Path) -> bool:
    async def run() -> None:
        database = await open_place(home)
        try:
            await put_on_record(database, file)
        finally:
            await database.close()

    try:
        asyncio.run(run())
    except (CommandFailed, Unavailable, Refusal, OSError):
        return False
    return True
