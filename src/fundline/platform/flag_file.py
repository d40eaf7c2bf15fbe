"""Changing the flagd file: one editor at a time, and no reader ever sees half a file."""

import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fundline.platform.refusals import Kind, Refusal

_TICK_NS = 1_000_000
_PROVIDERS = {"launchdarkly": "LaunchDarkly"}


class FlagFileUnusable(Refusal):
    kind = Kind.UNAVAILABLE
    code = "flags-unusable"
    title = "The flags cannot be read or written"


class FlagsElsewhere(Refusal):
    kind = Kind.CONFLICT
    code = "flags-elsewhere"
    title = "The flags are kept by another provider"


@dataclass(frozen=True, slots=True)
class FlagFile:
    """Where the flags are, for whoever changes them: a file that all instances share, or another's service."""

    path: Path
    provider: str = "file"

    def require_ours(self) -> None:
        """Raises FlagsElsewhere."""
        if self.provider != "file":
            raise FlagsElsewhere(
                f"The flags are changed in {_PROVIDERS.get(self.provider, self.provider)}, as "
                f"FUNDLINE_FLAGS_PROVIDER is {self.provider}."
            )

    def read(self) -> dict[str, Any]:
        """Raises FlagFileUnusable."""
        return read_flags(self.path)

    @contextmanager
    def changing(self) -> Iterator["FlagChange"]:
        """A change that is put back when the block raises: its transaction is not committed then.

        Raises FlagsElsewhere, FlagFileUnusable.
        """
        self.require_ours()
        change = FlagChange(self.path)
        try:
            yield change
        except BaseException:
            change.put_back()
            raise


class FlagChange:
    """One change of the file. Two instances do not change it at once: they hold a lock in the database first."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._edited: tuple[dict[str, Any], dict[str, Any]] | None = None

    def read(self) -> dict[str, Any]:
        return read_flags(self._file)

    def edit(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """`change` gets the document as it is now, so that another change of another flag in between stays."""
        with only_editor(self._file):
            before = read_flags(self._file)
            after = change(before)
            replace_flags(self._file, after)
            self._edited = before["flags"], after["flags"]

    def put_back(self) -> None:
        """Only the flags that this change has changed; what others have changed since stays."""
        if self._edited is None:
            return
        before, after = self._edited
        self._edited = None
        with only_editor(self._file):
            now = read_flags(self._file)
            old = {name: before[name] for name in after if name in before and before[name] != after[name]}
            replace_flags(self._file, {**now, "flags": {**now["flags"], **old}})


def read_flags(file: Path) -> dict[str, Any]:
    """Raises FlagFileUnusable."""
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise FlagFileUnusable(
            f"The flags at {file} cannot be read ({error.strerror}); start Fundline with `make up`, "
            "or set FUNDLINE_FLAGS_FILE."
        ) from error
    except ValueError as error:
        raise FlagFileUnusable(f"The flags at {file} are not JSON ({error}); mend the file first.") from error
    if not isinstance(document, dict) or not isinstance(document.get("flags"), dict):
        raise FlagFileUnusable(f"The file {file} has no object `flags`; mend the file first.")
    return document


@contextmanager
def only_editor(file: Path) -> Iterator[None]:
    """Waits for other editors of the folder. The lock ends with the process."""
    try:
        folder = os.open(file.resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise FlagFileUnusable(f"The folder of {file} cannot be opened ({error.strerror}).") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def replace_flags(file: Path, document: dict[str, Any]) -> None:
    """Write beside the file, then rename. The new file is younger than the old: that is what readers look for.

    Raises FlagFileUnusable.
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
        raise FlagFileUnusable(f"The flags at {file} cannot be written ({error.strerror}).") from error
