"""What a stack does where the disk is nearly full: it says so, starts all the same, and gives up what nobody needs.

Given up are earlier logs, all but the end of the current ones, the cache's file, and write-ahead log that the database
keeps for its own comfort. Never events, rows or the audit trail: they may be the only place of something.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from fundline.platform.command_errors import CommandFailed

ROOMY_BYTES = 1 << 30
"""Below this the stack is careful."""
LOG_LIMIT_BYTES = 50 << 20
TIGHT_LOG_LIMIT_BYTES = 4 << 20
LOG_END_BYTES = 1 << 20
"""What stays of a log that is cut."""


def free_bytes(folder: Path) -> int:
    """Of the disk on which the folder is, or will be."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return shutil.disk_usage(existing).free


def is_tight(folder: Path) -> bool:
    return free_bytes(folder) < ROOMY_BYTES


def require_room_to_begin(folder: Path, title: str, needed_bytes: int) -> None:
    """For an engine that has no data yet; one that has some is started on any disk. Raises CommandFailed."""
    free = free_bytes(folder)
    if free < needed_bytes:
        raise CommandFailed(
            f"{title} cannot begin in {folder}: {free >> 20} MiB are free there and it needs "
            f"{needed_bytes >> 20} MiB; free some space or set FUNDLINE_HOME to another disk."
        )


def limit_log(log_file: Path, limit_bytes: int | None = None) -> bool:
    """Copy a log that is over the limit to `.1` and empty it in place; its writer appends, so it goes on.

    On a disk that is tight the limit is lower, and only the end of the log stays. Returns whether it was too large.
    Lines written meanwhile may be lost: these are development logs. Never raises: no log is worth a process.
    """
    earlier = log_file.with_name(log_file.name + ".1")
    try:
        tight = is_tight(log_file.parent)
        if tight:
            earlier.unlink(missing_ok=True)
        limit_bytes = limit_bytes or (TIGHT_LOG_LIMIT_BYTES if tight else LOG_LIMIT_BYTES)
        if log_file.stat().st_size <= limit_bytes:
            return False
        if tight or not _copy(log_file, earlier):
            _keep_the_end(log_file, min(LOG_END_BYTES, limit_bytes // 2))
        else:
            os.truncate(log_file, 0)
    except OSError:
        return False
    return True


def _copy(log_file: Path, earlier: Path) -> bool:
    try:
        shutil.copyfile(log_file, earlier)
    except OSError:  # no room for it: half a copy helps nobody
        earlier.unlink(missing_ok=True)
        return False
    return True


def _keep_the_end(log_file: Path, kept_bytes: int) -> None:
    with log_file.open("r+b") as log:
        log.seek(-kept_bytes, 2)
        end = log.read()
        log.truncate(0)
    with log_file.open("ab") as log:
        log.write(end[end.find(b"\n") + 1 :])


def drop_cache_file(folder: Path) -> None:
    """The cache is never the only place of anything, so what it has on the disk may go while it does not run."""
    with suppress(OSError):
        shutil.rmtree(folder / "appendonlydir")
