"""A real file system of a few megabytes under a folder: it can be filled, and freed again."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class SmallDisk:
    place: Path

    @property
    def _ballast(self) -> Path:
        return self.place / "ballast"

    def fill(self) -> None:
        """Until not one byte more can be written."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (CHUNK_BYTES, 4096, 1):
                try:
                    while ballast.write(b"\0" * size):
                        pass
                except OSError:
                    continue

    def is_full(self) -> bool:
        status = os.statvfs(self.place)
        return status.f_bavail == 0

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mounted over `place`, which it makes. Skips the test, with the reason, where nothing may be mounted."""
    place.mkdir(parents=True, exist_ok=True)
    before = place.stat()
    mounting = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "fundline-test", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounting.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounting.stderr.strip()}")
    os.chown(place, before.st_uid, before.st_gid)
    try:
        yield SmallDisk(place)
    finally:
        # lazily: a program that still has a file open there must not keep the test from ending
        subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)
