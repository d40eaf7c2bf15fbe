"""The anchor file: one line after another, each on the disk before anybody relies on it.

Several processes may hold it open, as a stalled leader comes back: each append takes the folder's lock and looks at
the end of the file again. A line that a crash or a full disk has torn was relied on by nobody and is cut off. A full
file is renamed to carry the number of its last anchor, and the next line continues it in a new one.
"""

import errno
import fcntl
import mmap
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fundline.platform.audit.anchors import (
    BEFORE_THE_FIRST_LINE,
    AnchorKeys,
    BadAnchor,
    Head,
    anchor_line,
    line_hash,
    read_anchor,
)

_LOCK_TRIES, _LOCK_PAUSE_S = 200, 0.01


class AnchorsBroken(Exception):
    """The last whole line is not an anchor: somebody has written into the file. A person must look."""


@dataclass(frozen=True, slots=True)
class LastLine:
    """The end of the anchors: number 0 when there are none. `size_bytes` is that of the current file."""

    number: int
    hash: bytes
    size_bytes: int
    inode: int


@dataclass(frozen=True, slots=True)
class Appended:
    """`torn_bytes`: what was cut off the end first."""

    number: int
    hash: bytes
    torn_bytes: int


class AnchorFile:
    """Appends to one file. Methods block for the disk: call them in a thread."""

    def __init__(self, path: Path, keys: AnchorKeys, *, rotate_bytes: int) -> None:
        self._path, self._keys, self._rotate_bytes = path, keys, rotate_bytes
        self._last: LastLine | None = None

    def append(self, heads: Sequence[Head], at: datetime) -> Appended:
        """On the disk when it returns. Raises OSError, and then nothing was appended; AnchorsBroken."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._only_writer():
            last, torn_bytes = self._end()
            if last.size_bytes >= self._rotate_bytes:
                last = self._rotate(last)
            line = anchor_line(last.number + 1, at, last.hash, heads, self._keys)
            self._last = None  # whatever happens now, the end is looked at again
            status = self._write(line, last.size_bytes)
            self._last = LastLine(last.number + 1, line_hash(line[:-1]), status.st_size, status.st_ino)
        return Appended(self._last.number, self._last.hash, torn_bytes)

    @contextmanager
    def _only_writer(self) -> Iterator[None]:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _lock(folder)
            yield
        finally:
            os.close(folder)

    def _end(self) -> tuple[LastLine, int]:
        """The last whole line, and how many bytes of a torn one were cut off behind it."""
        with suppress(FileNotFoundError):
            status = self._path.stat()
            if self._last is not None and (status.st_size, status.st_ino) == (
                self._last.size_bytes,
                self._last.inode,
            ):
                return self._last, 0
        torn_bytes = _cut_torn_line(self._path)
        for file in reversed(anchor_files(self._path)):
            line = _last_line(file)
            if line is not None:
                is_current = file == self._path
                size = file.stat().st_size if is_current else 0
                return LastLine(_number(line, file), line_hash(line), size, 0), torn_bytes
        return LastLine(0, BEFORE_THE_FIRST_LINE, 0, 0), torn_bytes

    def _rotate(self, last: LastLine) -> LastLine:
        self._path.rename(self._path.with_name(f"{self._path.stem}.{last.number:012d}{self._path.suffix}"))
        return LastLine(last.number, last.hash, 0, 0)

    def _write(self, line: bytes, size_bytes: int) -> os.stat_result:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            rest = memoryview(line)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
            if size_bytes == 0:
                _sync_folder(self._path.parent)
            return os.fstat(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size_bytes)
            raise
        finally:
            os.close(descriptor)


def _lock(folder: int) -> None:
    """Raises BlockingIOError: another process has been writing for longer than any write takes, so it stands still."""
    for _ in range(_LOCK_TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_LOCK_PAUSE_S)
    raise BlockingIOError(
        errno.EWOULDBLOCK, "another process is writing into the anchor file and stands still"
    )


def anchor_files(path: Path) -> list[Path]:
    """Oldest first, the current one last; those that are not there are left out."""
    rotated = sorted(path.parent.glob(f"{path.stem}.{'[0-9]' * 12}{path.suffix}"))
    return [*rotated, *([path] if path.exists() else [])]


def _cut_torn_line(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return 0
    try:
        size = os.fstat(descriptor).st_size
        if size == 0:
            return 0
        with mmap.mmap(descriptor, size, prot=mmap.PROT_READ) as content:
            whole = content.rfind(b"\n") + 1
        if whole < size:
            os.ftruncate(descriptor, whole)
            os.fsync(descriptor)
        return size - whole
    finally:
        os.close(descriptor)


def _last_line(path: Path) -> bytes | None:
    """Without its end; None when there is no whole line."""
    if path.stat().st_size == 0:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as content:
        end = content.rfind(b"\n")
        return None if end < 0 else content[content.rfind(b"\n", 0, end) + 1 : end]


def _number(line: bytes, file: Path) -> int:
    try:
        return read_anchor(line)[0].number
    except BadAnchor as error:
        raise AnchorsBroken(f"the last line of {file.name} is not an anchor: {error}") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
