"""The models that are loaded, and the watch over their folder: a version appears, changes or goes without a restart.

Invariant: a version that was good stays in use until a good one replaces it or its folder is removed. A refused
artefact is told once, and looked at again when one of its files changes.
"""

import asyncio
import contextlib
import re
from collections.abc import Callable
from pathlib import Path

from fundline.platform.loop import Loop
from fundline.platform.telemetry.metrics import Metrics
from fundline.risk.artefact import load_model
from fundline.risk.manifest import ModelRefused
from fundline.risk.model import Model
from fundline.services.model_service.metrics import ModelMetrics

Signature = tuple[tuple[str, int, int, int], ...]
"""Of each file of a version: name, time of change, size, inode."""


class ModelRepository(Loop):
    """`load` reads a version's folder; it runs in a thread because it may take a second."""

    def __init__(
        self,
        directory: Path,
        metrics: Metrics,
        *,
        load: Callable[[Path], Model] = load_model,
        every_s: float = 1.0,
    ) -> None:
        super().__init__("models", every_s=every_s, limit_s=60.0)
        self._directory, self._metrics, self._load = directory, metrics.of(ModelMetrics), load
        self._loaded: dict[str, Model] = {}
        self._seen: dict[str, Signature] = {}
        self._refused: dict[str, str] = {}

    @property
    def versions(self) -> list[str]:
        """Those in use, in the order of their names; `x-10` comes after `x-2`."""
        return sorted(self._loaded, key=_name_order)

    def find(self, version: str | None) -> Model | None:
        """Without a version, the last one in the order of their names."""
        if version is None:
            return self._loaded[self.versions[-1]] if self._loaded else None
        return self._loaded.get(version)

    def why_refused(self, version: str | None) -> str | None:
        """Of a version whose present files were refused."""
        return None if version is None else self._refused.get(version)

    async def is_ready(self) -> bool:
        return bool(self._loaded)

    async def turn(self) -> None:
        await self.refresh()

    async def refresh(self) -> None:
        """Look at the folder once. When it cannot be read at all, what is loaded stays."""
        try:
            found = await asyncio.to_thread(_scan, self._directory)
        except OSError as error:
            self._log.error("model.folder_unreadable", exc_info=error)
            return
        for version in self._seen.keys() - found.keys():
            del self._seen[version]
            self._refused.pop(version, None)
            if self._loaded.pop(version, None) is not None:
                self._note(version, "removed")
        for version, signature in found.items():
            if self._seen.get(version) != signature:
                self._seen[version] = signature
                await self._replace(version)

    async def _replace(self, version: str) -> None:
        try:
            model = await asyncio.to_thread(self._load, self._directory / version)
        except Exception as error:  # one bad version must not stop the others from serving
            self._refused[version] = _reason(error)
            self._note(version, "refused", reason=_reason(error), still_served=version in self._loaded)
            return
        self._refused.pop(version, None)
        self._loaded[version] = model
        self._note(version, "loaded", digest=model.digest)

    def _note(self, version: str, result: str, **fields: object) -> None:
        self._metrics.model_loads.labels(version, result).inc()
        tell = self._log.error if result == "refused" else self._log.info
        tell(f"model.{result}", model_version=version, **fields)


def _scan(directory: Path) -> dict[str, Signature]:
    """By version. Raises OSError."""
    return {
        folder.name: _signature(folder)
        for folder in sorted(directory.iterdir())
        if folder.is_dir() and not folder.name.startswith((".", "_"))
    }


def _signature(folder: Path) -> Signature:
    files = []
    for file in sorted(folder.iterdir()):
        with contextlib.suppress(FileNotFoundError):  # being replaced right now
            stat = file.stat()
            files.append((file.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(files)


def _reason(error: Exception) -> str:
    if "libgomp" in str(error):
        return "LightGBM needs the OpenMP runtime: install the Debian package libgomp1, then restart."
    if isinstance(error, ModelRefused):
        return str(error)
    return f"{type(error).__name__}: {error}"[:500]


def _name_order(version: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", version) if part]
