"""Changing the flagd file: one editor at a time, and no reader ever sees half a file."""

import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fundline.platform.command_errors import CommandFailed
from fundline.stack.flags_file import flags_file
from fundline.stack.layout import StackHome

_TICK_NS = 1_000_000


def flags_path(home: StackHome) -> Path:
    """FUNDLINE_FLAGS_FILE, else the file of the stack."""
    chosen = os.environ.get("FUNDLINE_FLAGS_FILE")
    return Path(chosen) if chosen else flags_file(home)


def read_flags(file: Path) -> dict[str, Any]:
    """Raises CommandFailed."""
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise CommandFailed(
            f"The flags at {file} cannot be read ({error.strerror}); start Fundline with `make up`, "
            "or set FUNDLINE_FLAGS_FILE."
        ) from error
    except ValueError as error:
        raise CommandFailed(f"The flags at {file} are not JSON ({error}); mend the file first.") from error
    if not isinstance(document, dict) or not isinstance(document.get("flags"), dict):
        raise CommandFailed(f"The file {file} has no object `flags`; mend the file first.")
    return document


@contextmanager
def only_editor(file: Path) -> Iterator[None]:
    """Waits for other editors of the folder. The lock ends with the process."""
    try:
        folder = os.open(file.resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise CommandFailed(f"The folder of {file} cannot be opened ({error.strerror}).") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def replace_flags(file: Path, document: dict[str, Any]) -> None:
    """Write beside the file, then rename. The new file is younger than the old: that is what readers look for.

    Raises CommandFailed.
    """
    target = file.resolve()
    begun: Path | None = None
    try:
        before = target.stat()
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".flags-")
        begun = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(document, stream, indent=2, ensure_ascii=False)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        begun.chmod(stat.S_IMODE(before.st_mode))
        written_ns = max(begun.stat().st_mtime_ns, before.st_mtime_ns + _TICK_NS)
        os.utime(begun, ns=(written_ns, written_ns))
        begun.replace(target)
    except OSError as error:
        if begun is not None:
            begun.unlink(missing_ok=True)
        raise CommandFailed(f"The flags at {file} cannot be written ({error.strerror}).") from error
