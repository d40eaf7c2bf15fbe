"""Anchoring the audit trail: one router instance signs the heads of all streams that grew, about every second.

It has a lock of its own, because the active relay must not wait for a disk. Nothing here holds up a writer, and nothing
here ends the router: without its key, its file or an answer of the disk the trail grows on, somebody is called, and the
next round tries again.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field

from fundline.platform.audit.anchor_file import AnchorFile, AnchorsBroken, Appended
from fundline.platform.audit.anchors import AnchorKeys, AuditKeyUnusable, Head
from fundline.platform.audit.unanchored import mark_anchored, unanchored
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Candidate, Database, LeaderConnection, translated
from fundline.platform.loop import Loop
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import DatabaseSettings
from fundline.platform.telemetry.metrics import Metrics
from fundline.records.cases import CaseKind, NewCase, open_case, settle_case
from fundline.services.event_router.metrics import RouterMetrics

SOURCE = "event-router"
THE_ANCHORS, THE_ANCHORING = "anchors", "anchoring"
"""Subjects of cases: what stands in the file, which a person must judge; that nothing is written, which may pass."""
_DISK_S = 10.0
"""Longest wait for one line to be on the disk."""


class AnchorSettings(DatabaseSettings):
    audit_key_file: Path
    """Ed25519 key (JWK) that signs the anchors of the audit trail."""
    audit_anchor_file: Path
    """Where the anchors go: on another disk than the database's, and append-only where the system offers that."""
    audit_anchor_every_s: Annotated[float, Field(gt=0, le=1.5)] = 1.0
    """Pause between two rounds, and between two tries to lead."""
    audit_anchor_heads: Annotated[int, Field(ge=1, le=5000)] = 500
    """Most streams in one line of the file."""
    audit_anchor_rotate_bytes: Annotated[int, Field(ge=1)] = 64 * 1024 * 1024
    """Size past which the file is renamed and a new one goes on."""
    audit_lock_id: int = 7_204_003
    """The advisory lock that the anchoring router holds; the same for all routers of one database."""


class Anchoring(Loop):
    def __init__(
        self,
        settings: AnchorSettings,
        database: Database,
        metrics: Metrics,
        *,
        now: Clock = utc_now,
        fresh_id: NewId = new_id,
        disk_s: float = _DISK_S,
    ) -> None:
        super().__init__("anchoring", every_s=settings.audit_anchor_every_s, limit_s=60.0)
        self._settings, self._database, self._metrics = settings, database, metrics.of(RouterMetrics)
        self._now, self._fresh_id, self._disk_s = now, fresh_id, disk_s
        self._candidate = Candidate(settings, settings.audit_lock_id)
        self._file: AnchorFile | None = None
        self._late: asyncio.Future[Appended] | None = None
        """A line that the disk did not take in time."""
        self._is_proven = False
        """Since the last failure a line has been written, and its case is settled."""

    async def turn(self) -> None:
        try:
            connection = await self._candidate.try_to_lead()
            if connection is not None and await self.anchor(connection) and not self._is_proven:
                await self._settle()
        except AuditKeyUnusable as error:
            await self._failed("key", THE_ANCHORING, error)
        except OSError as error:
            await self._failed("disk", THE_ANCHORING, error)
        except AnchorsBroken as error:
            await self._failed("broken", THE_ANCHORS, error)

    def interrupted(self, away: Unavailable) -> None:
        self._candidate.resign()
        super().interrupted(away)

    async def ended(self) -> None:
        self._candidate.resign()

    async def anchor(self, connection: LeaderConnection) -> int:
        """One round over all streams that grew; how many. Raises Unavailable, OSError and what `_append` raises."""
        anchored, after, limit = 0, "", self._settings.audit_anchor_heads
        while True:
            async with translated():
                heads = await unanchored(connection, after=after, limit=limit)
            if not heads:
                return anchored
            line = await self._on_disk(heads)
            if line.torn_bytes:
                self._log.warning("audit.anchor_torn", cut_bytes=line.torn_bytes)
            # the log is the second witness of the file: `fundline audit verify` compares them
            self._log.info("audit.anchored", number=line.number, hash=line.hash.hex(), streams=len(heads))
            async with translated():
                await mark_anchored(connection, heads)
            self._metrics.audit_heads_anchored.inc(len(heads))
            anchored += len(heads)
            if len(heads) < limit:
                return anchored
            after = heads[-1].stream

    async def _on_disk(self, heads: Sequence[Head]) -> Appended:
        """Raises what `_append` raises, and TimeoutError when the disk does not answer."""
        if self._late is not None and not self._late.done():
            raise TimeoutError("the disk of the anchors still does not answer")
        appending = asyncio.ensure_future(asyncio.to_thread(self._append, heads, self._now()))
        done, _ = await asyncio.wait([appending], timeout=self._disk_s)
        if not done:
            # Whatever becomes of that line, it marks nothing: the same heads are anchored again.
            self._late = appending
            appending.add_done_callback(lambda late: late.cancelled() or late.exception())
            raise TimeoutError("the disk of the anchors does not answer")
        return appending.result()

    def _append(self, heads: Sequence[Head], at: datetime) -> Appended:
        """In a thread. Reads the key when the last round had none. Raises AuditKeyUnusable, OSError, AnchorsBroken."""
        if self._file is None:
            settings = self._settings
            self._file = AnchorFile(
                settings.audit_anchor_file,
                AnchorKeys(settings.audit_key_file),
                rotate_bytes=settings.audit_anchor_rotate_bytes,
            )
        return self._file.append(heads, at)

    async def _failed(self, cause: str, subject: str, error: Exception) -> None:
        """An alarm, and no more: another instance may try, and so shall we, with key and file read afresh."""
        self._metrics.audit_anchor_failures.labels(cause).inc()
        self._log.error("audit.not_anchored", reason=cause, cause=str(error))
        self._file, self._is_proven = None, False
        self._candidate.resign()
        case = NewCase(CaseKind.AUDIT_BROKEN, subject, f"The audit trail is not anchored any more: {error}.")
        with contextlib.suppress(Unavailable):  # the next round tries again
            async with self._database.transaction() as connection:
                await open_case(connection, case, case_id=self._fresh_id(), opened_by=SOURCE, at=self._now())

    async def _settle(self) -> None:
        async with self._database.transaction() as connection:
            await settle_case(
                connection, CaseKind.AUDIT_BROKEN, THE_ANCHORING, by=SOURCE, at=self._now(),
                resolution="The audit trail is anchored again.",
            )  # fmt: skip
        self._is_proven = True
