"""An audit trail with anchors on a database of its own, somebody with every right to spoil it, and the verifier."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from joserfc.jwk import OKPKey
from prometheus_client import CollectorRegistry

from fundline.platform.audit.anchor_file import AnchorFile
from fundline.platform.audit.anchors import AnchorKeys, Head, anchor_line
from fundline.platform.audit.chains import Counted
from fundline.platform.audit.findings import Finding
from fundline.platform.audit.trail import BEFORE_THE_FIRST, AuditEntry, entry_digest, next_hash, record
from fundline.platform.audit.verify import Witnesses, verify_trail
from fundline.platform.database import Database
from fundline.platform.telemetry.metrics import Metrics
from fundline.services.event_router.anchoring import Anchoring, AnchorSettings

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def write_audit_key(path: Path) -> Path:
    import json

    key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA"}, auto_kid=True)
    path.write_text(json.dumps(key.as_dict(private=True)))
    return path


@dataclass(frozen=True)
class Trail:
    """`database` as the processes have it; `superuser` has no trigger in the way."""

    database: Database
    superuser: "asyncpg.Connection[asyncpg.Record]"
    anchoring: Anchoring
    anchor_file: Path
    key_file: Path
    logs: Sequence[Path]

    async def write(self, stream: str, *actions: str) -> None:
        async with self.database.transaction() as connection:
            for number, action in enumerate(actions):
                details = {"number": number}
                await record(
                    connection,
                    AuditEntry(stream, "tests:anna", action, AT, "because", details, evidence=b"seen"),
                )

    async def anchor(self) -> int:
        return await self.anchoring.anchor(self.superuser)

    async def findings(self, *, now: datetime | None = None) -> list[Finding]:
        witnesses = Witnesses(self.anchor_file, AnchorKeys(self.key_file), self.logs)
        found = verify_trail(
            self.database, witnesses, Counted(), now=now or datetime.now(UTC), anchored_within_s=60
        )
        return [finding async for finding in found]

    async def kinds(self) -> set[str]:
        return {finding.kind for finding in await self.findings()}

    async def forge(self, stream: str) -> None:
        """Make every hash of a stream again, and its head: what somebody does who knows how the chain works."""
        before = BEFORE_THE_FIRST
        rows = await self.superuser.fetch(
            "select * from audit_entries where stream = $1 order by sequence", stream
        )
        for row in rows:
            digest = entry_digest(
                row["stream"],
                row["occurred_at"],
                row["actor"],
                row["action"],
                row["reason"],
                row["details"],
                row["evidence_hash"],
            )
            before = next_hash(before, digest)
            await self.superuser.execute(
                "update audit_entries set hash = $3 where stream = $1 and sequence = $2",
                stream,
                row["sequence"],
                before,
            )
        await self.superuser.execute(
            "update audit_streams set sequence = $2, hash = $3, anchored_sequence = least(anchored_sequence, $2) "
            "where stream = $1",
            stream,
            len(rows),
            before,
        )


@asynccontextmanager
async def audit_trail(
    database: Database, database_url: str, superuser_url: str, folder: Path
) -> AsyncIterator[Trail]:
    key_file = write_audit_key(folder / "audit-signing.json")
    settings = AnchorSettings(
        database_url=database_url,
        audit_key_file=key_file,
        audit_anchor_file=folder / "audit" / "anchors.jsonl",
    )
    superuser = await asyncpg.connect(superuser_url)
    try:
        await superuser.execute("set session_replication_role = replica")  # no trigger fires any more
        yield Trail(
            database,
            superuser,
            Anchoring(settings, database, Metrics(CollectorRegistry())),
            settings.audit_anchor_file,
            key_file,
            [],
        )
    finally:
        await superuser.close()


def anchor_files_of(folder: Path, keys: AnchorKeys, *, rotate_bytes: int = 1 << 20) -> AnchorFile:
    return AnchorFile(folder / "anchors.jsonl", keys, rotate_bytes=rotate_bytes)


def some_heads(count: int = 2) -> list[Head]:
    return [Head(f"application:{number}", number + 1, bytes([number]) * 32) for number in range(count)]


def foreign_line(number: int, previous: bytes, heads: Sequence[Head], folder: Path) -> bytes:
    """An anchor in perfect form, signed by somebody else's key."""
    keys = AnchorKeys(write_audit_key(folder / "foreign.json"))
    return anchor_line(number, AT + timedelta(seconds=1), previous, heads, keys)
