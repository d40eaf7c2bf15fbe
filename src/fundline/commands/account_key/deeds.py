"""Changing the keys of payout accounts while everything runs: add a key, seal every row with it, retire the old one.

The processes look at the key file before each seal, so a new key is in use at once; see `platform/secrets.py`. Each
step may be killed and done again: nothing is remembered but the rows themselves, which name their key.
"""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from fundline.platform.audit.rows import ROWS, rows_of
from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.clock import Clock, utc_now
from fundline.platform.command_errors import CommandFailed
from fundline.platform.database import Connection, Database
from fundline.platform.flag_file import only_editor
from fundline.platform.key_ring import KEY_BYTES, KeyFileUnusable, KeyRing, SealingKey, read_key_ring
from fundline.platform.secrets import HEADER_BYTES, SealBroken, SecretBox
from fundline.records.accounts import PayoutAccount
from fundline.records.audit_streams import application_stream
from fundline.records.recorded_tables import APPLICATIONS
from fundline.stack.keys import write_private

STREAM = "keys"
SOURCE = "command-line"
BATCH_ROWS = 500
PASSES, AGAIN_S = 100, 0.2
SETTLED_AFTER = timedelta(seconds=60)
"""Far longer than any request lives: what was sealed with the key before is in the database by then, and counted."""

_ACCOUNTS = TypeAdapter[Any](PayoutAccount)
PAGE = """
select application_id, substring(payout_account from 1 for $3) as header, payout_index is null as without_index
from applications where application_id > $1 order by application_id limit $2
"""
LOCK = """
select application_id, payout_account from applications
where application_id = any($1::uuid[]) for no key update skip locked
"""
RESEAL = """
update applications a set payout_account = sealed.account, payout_index = sealed.index
from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as sealed (application_id, account, index)
where a.application_id = sealed.application_id
"""


@dataclass(slots=True)
class Rotated:
    """`broken`: applications whose account opens with no key of the file; a person must look."""

    key_id: str
    resealed: int = 0
    broken: set[UUID] = field(default_factory=set)


class AccountKeys:
    """One change of the file at a time. Methods raise CommandFailed or DatabaseUnavailable."""

    def __init__(
        self,
        database: Database,
        key_file: Path,
        actor: str,
        *,
        now: Clock = utc_now,
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        self._database, self._key_file, self._now, self._batch_rows = database, key_file, now, batch_rows
        self._actor = f"{SOURCE}:{actor}"

    def ring(self) -> KeyRing:
        try:
            return read_key_ring(self._key_file)
        except KeyFileUnusable as error:
            raise CommandFailed(f"The keys cannot be used: {error}.") from error

    async def add(self, reason: str) -> str:
        """A fresh key, which seals from now on; returns its id."""
        with only_editor(self._key_file):
            key = SealingKey(secrets.token_bytes(KEY_BYTES), self._now())
            await self._replace(self.ring().with_key(key), "account_key.added", key.key_id, reason)
        return key.key_id.hex()

    async def rotate(self, reason: str, progress: Callable[[int], None] = lambda _resealed: None) -> Rotated:
        """Seal every row with the newest key, a batch a transaction; rows that others hold come at the end."""
        box = SecretBox(self._key_file)
        rotated = Rotated(self.ring().newest.key_id.hex())
        await self._note("account_key.rotation_started", reason, {"keyId": rotated.key_id})
        for _ in range(PASSES):
            left = await self._pass(box, rotated, progress)
            if not left:
                break
            await asyncio.sleep(AGAIN_S)
        else:
            raise CommandFailed(f"{left} accounts are held by others all the time; run it again later.")
        details = {"keyId": rotated.key_id, "resealed": rotated.resealed, "broken": len(rotated.broken)}
        await self._note("account_key.rotated", reason, details)
        return rotated

    async def retire(self, key_id: str, reason: str) -> None:
        """Take a key out of the file; refused while it seals, or while a row needs it."""
        with only_editor(self._key_file):
            ring = self.ring()
            key = _find(ring, key_id)
            if key.key_id == ring.newest.key_id:
                raise CommandFailed(f"{key_id} seals; add another key first.")
            since = ring.newest.added_at
            if since is not None and self._now() - since < SETTLED_AFTER:
                raise CommandFailed(
                    f"The newest key is younger than {SETTLED_AFTER.seconds} s: a request may still be storing what "
                    "the key before has sealed. Try again in a minute."
                )
            if rows := (await self.rows_by_key()).get(key_id, 0):
                raise CommandFailed(
                    f"{rows} accounts are sealed with {key_id}; run `fundline account-key rotate` first."
                )
            await self._replace(ring.without(key.key_id), "account_key.retired", key.key_id, reason)

    async def rows_by_key(self) -> dict[str, int]:
        """How many accounts each key seals, by its id; also ids that are not in the file."""
        counts: dict[str, int] = {}
        after = UUID(int=0)
        while rows := await self._database.fetch(PAGE, after, 10 * self._batch_rows, HEADER_BYTES):
            for row in rows:
                key_id = row["header"][1:].hex()
                counts[key_id] = counts.get(key_id, 0) + 1
            after = rows[-1]["application_id"]
        return counts

    async def _pass(self, box: SecretBox, rotated: Rotated, progress: Callable[[int], None]) -> int:
        """Once over the table; how many rows are left because others held them."""
        left = 0
        after = UUID(int=0)
        while rows := await self._database.fetch(PAGE, after, self._batch_rows, HEADER_BYTES):
            due = [
                row["application_id"] for row in rows if row["header"] != box.header or row["without_index"]
            ]
            due = [application_id for application_id in due if application_id not in rotated.broken]
            if due:
                left += len(due) - await self._reseal(box, due, rotated)
                progress(rotated.resealed)
            after = rows[-1]["application_id"]
        return left

    async def _reseal(self, box: SecretBox, due: list[UUID], rotated: Rotated) -> int:
        """How many of these rows were seen to."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(LOCK, due)
            ids, accounts, indexes = [], [], []
            for row in rows:
                application_id = row["application_id"]
                try:
                    plaintext = box.open(row["payout_account"], application_id)
                    index = box.blind_index(_ACCOUNTS.validate_json(plaintext).identity)
                except (SealBroken, ValueError):
                    rotated.broken.add(application_id)
                    continue
                ids.append(application_id)
                accounts.append(box.seal(plaintext, application_id))
                indexes.append(index)
            await connection.execute(RESEAL, ids, accounts, indexes)
            for sealed in zip(ids, accounts, indexes, strict=True):
                await self._record_resealed(connection, *sealed)
        rotated.resealed += len(ids)
        return len(rows)

    async def _record_resealed(
        self, connection: Connection, application_id: UUID, account: bytes, index: bytes
    ) -> None:
        row = {"application_id": application_id, "payout_account": account, "payout_index": index}
        details = {ROWS: rows_of(APPLICATIONS, [row])}
        stream = application_stream(application_id)
        entry = AuditEntry(stream, self._actor, "account.resealed", self._now(), details=details)
        await record(connection, entry)

    async def _replace(self, ring: KeyRing, action: str, key_id: bytes, reason: str) -> None:
        """The file is replaced before the commit, and put back when the commit fails."""
        before = self._key_file.read_bytes()
        is_written = False
        try:
            async with self._database.transaction() as connection:
                await self._record(
                    connection, action, reason, {"keyId": key_id.hex(), "keys": len(ring.keys)}
                )
                write_private(self._key_file, ring.content())
                is_written = True
        except BaseException:
            if is_written:
                write_private(self._key_file, before)
            raise

    async def _note(self, action: str, reason: str, details: dict[str, Any]) -> None:
        async with self._database.transaction() as connection:
            await self._record(connection, action, reason, details)

    async def _record(
        self, connection: Connection, action: str, reason: str, details: dict[str, Any]
    ) -> None:
        await record(connection, AuditEntry(STREAM, self._actor, action, self._now(), reason, details))


def _find(ring: KeyRing, key_id: str) -> SealingKey:
    key = None
    with suppress(ValueError):
        key = ring.find(bytes.fromhex(key_id))
    if key is None:
        known = ", ".join(key.key_id.hex() for key in ring.keys)
        raise CommandFailed(f"There is no key {key_id}; there are {known}.")
    return key
