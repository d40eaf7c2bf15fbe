"""What the figures were measured on, and which process used how much of it."""

import importlib.metadata
import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

_MODEL = "model name"


def machine_facts() -> dict[str, Any]:
    """Cores, model, memory, versions; `load_average` is that of the minute before the run."""
    return {
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)),
        "model": _processor_model(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "uvicorn": importlib.metadata.version("uvicorn"),
        "load_average": round(os.getloadavg()[0], 2),
        "pinning": "none: every program may use every core",
    }


class CoresUsed:
    """Cores that named processes, each with its children, use from the making of this object to `read`."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._started = time.monotonic()
        self._before = {name: _cpu_seconds(pid) for name, pid in self._pids.items()}
        self._machine = _machine_seconds()

    def read(self) -> dict[str, float]:
        """By name, and `whole machine`: how much of all cores was busy, with whatever else runs here."""
        elapsed = time.monotonic() - self._started
        used = {name: _cpu_seconds(pid) - self._before[name] for name, pid in self._pids.items()}
        used["whole machine"] = _machine_seconds() - self._machine
        return {name: round(seconds / elapsed, 2) for name, seconds in used.items()}


def _cpu_seconds(pid: int) -> float:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0.0
    total = 0.0
    for member in family:
        try:
            times = member.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
        if member is process:  # what its ended children used: PostgreSQL ends a process with each connection
            total += times.children_user + times.children_system
    return total


def _machine_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait)


def _processor_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(_MODEL)), "unknown")
