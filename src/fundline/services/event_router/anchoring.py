"""Anchoring the audit trail: one router instance signs the heads of all streams that grew, about every second.

It has a lock of its own, because the active relay must not wait for a disk. Nothing here holds up a writer.
"""

import asyncio
import contextlib
from pathlib import Path
from typing import Annotated

from pydantic import Field

from fundline.casefile.cases import CaseKind, NewCase, open_case
from fundline.platform.audit.anchor_file import AnchorFile, AnchorsBroken
from fundline.platform.audit.anchors import AnchorKeys
from fundline.platform.audit.unanchored import mark_anchored, unanchored
from fundline.platform.clock import Clock, NewId, new_id, utc_now
from fundline.platform.database import Candidate, Database, LeaderConnection, translated
from fundline.platform.loop import Loop
from fundline.platform.refusals import Unavailable
from fundline.platform.settings import DatabaseSettings
from fundline.platform.telemetry.metrics import Metrics

SOURCE = "event-router"


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
    ) -> None:
        super().__init__("anchoring", every_s=settings.audit_anchor_every_s, limit_s=60.0)
        self._settings, self._database, self._metrics = settings, database, metrics
        self._now, self._fresh_id = now, fresh_id
        self._file = AnchorFile(
            settings.audit_anchor_file,
            AnchorKeys(settings.audit_key_file),
            rotate_bytes=settings.audit_anchor_rotate_bytes,
        )
        self._candidate = Candidate(settings, settings.audit_lock_id)

    async def turn(self) -> None:
        try:
            connection = await self._candidate.try_to_lead()
            if connection is not None:
                await self.anchor(connection)
        except OSError as error:  # a full disk: the trail grows on, the next round anchors it
            self._metrics.audit_anchor_failures.labels("disk").inc()
            self._log.warning("audit.anchor_not_written", cause=str(error))
        except AnchorsBroken as broken:
            self._metrics.audit_anchor_failures.labels("broken").inc()
            self._log.error("audit.anchors_broken", cause=str(broken))
            await self._call_somebody(str(broken))

    def interrupted(self, away: Unavailable) -> None:
        self._candidate.resign()
        super().interrupted(away)

    async def ended(self) -> None:
        self._candidate.resign()

    async def anchor(self, connection: LeaderConnection) -> int:
        """One round over all streams that grew; how many. Raises DatabaseUnavailable, OSError, AnchorsBroken."""
        anchored, after, limit = 0, "", self._settings.audit_anchor_heads
        while True:
            async with translated():
                heads = await unanchored(connection, after=after, limit=limit)
            if not heads:
                return anchored
            line = await asyncio.to_thread(self._file.append, heads, self._now())
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

    async def _call_somebody(self, cause: str) -> None:
        case = NewCase(
            CaseKind.AUDIT_BROKEN, "anchors", f"The audit trail is not anchored any more: {cause}."
        )
        with contextlib.suppress(Unavailable):  # the next round tries again
            async with self._database.transaction() as connection:
                await open_case(connection, case, case_id=self._fresh_id(), opened_by=SOURCE, at=self._now())
