"""Verifying the trail as a whole, in an order that allows writers to go on meanwhile.

What points at something is read before what it points at: marks and log before the anchors, heads before the
entries they name, which only grow.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fundline.platform.audit.anchor_check import check_anchors, read_logs
from fundline.platform.audit.anchors import AnchorKeys
from fundline.platform.audit.chains import Counted, check_entries, check_heads
from fundline.platform.audit.findings import Finding, Scratch
from fundline.platform.database import Database


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What is kept outside the database. `logs` are those of the process that anchors; none is fine."""

    anchor_file: Path
    keys: AnchorKeys
    logs: Sequence[Path] = ()


async def verify_trail(
    database: Database,
    witnesses: Witnesses,
    counted: Counted,
    *,
    now: datetime,
    anchored_within_s: float,
) -> AsyncIterator[Finding]:
    """Every way in which the trail does not hold; nothing when it does. Raises DatabaseUnavailable, OSError."""
    scratch = Scratch()
    try:
        async for finding in check_heads(
            database, scratch, counted, now=now, anchored_within_s=anchored_within_s
        ):
            yield finding
        read_logs(witnesses.logs, scratch)
        async for finding in check_anchors(database, witnesses.anchor_file, witnesses.keys, scratch, counted):
            yield finding
        async for finding in check_entries(database, counted):
            yield finding
    finally:
        scratch.close()
