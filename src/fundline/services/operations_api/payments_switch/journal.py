"""Halts that could not be put on record: kept beside the flags file until the database can be reached.

The emergency door and a halt without a database write here; every operations API looks here each second.
"""

import json
import os
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from fundline.platform.audit.trail import AuditEntry, record
from fundline.platform.database import Database
from fundline.platform.flag_file import FlagFileUnusable, only_editor, read_flags, replace_flags
from fundline.platform.loop import Loop
from fundline.platform.telemetry.logs import get_log
from fundline.records.payments_flag import HALTED, payments_are, with_payments

STREAM = "payments"
KNOWN = "select 1 from audit_entries where stream = $1 and details::jsonb ->> 'haltId' = $2"
LOCK = "select pg_advisory_xact_lock(hashtextextended('fundline.halts', 0))"


@dataclass(frozen=True, slots=True)
class Halt:
    """`before`: the switch as it was."""

    halt_id: str
    actor: str
    reason: str
    at: str
    before: str


def journal_of(flags_file: Path) -> Path:
    return flags_file.with_name(f"{flags_file.name}.halts")


def halt_here(flags_file: Path, actor: str, reason: str, *, at: datetime) -> Halt:
    """Halt by the file alone, and note it for the record. Raises FlagFileUnusable; a halt without a note stands."""
    with only_editor(flags_file):
        document = read_flags(flags_file)
        halt = Halt(str(uuid.uuid4()), actor, reason, at.astimezone(UTC).isoformat(), payments_are(document))
        replace_flags(flags_file, with_payments(document, HALTED))
        _note(journal_of(flags_file), halt)
    return halt


async def put_on_record(database: Database, flags_file: Path) -> int:
    """How many halts are in the audit trail now that were not. Raises DatabaseUnavailable, FlagFileUnusable."""
    journal = journal_of(flags_file)
    if not journal.exists():
        return 0
    halts = _read(journal)
    async with database.transaction() as connection:
        await connection.execute(LOCK)
        fresh = [halt for halt in halts if not await connection.fetch(KNOWN, STREAM, halt.halt_id)]
        for halt in fresh:
            details = {"before": halt.before, "haltId": halt.halt_id, "emergency": True}
            at = datetime.fromisoformat(halt.at)
            await record(
                connection, AuditEntry(STREAM, halt.actor, "payments.halted", at, halt.reason, details)
            )
    _forget(journal, flags_file, {halt.halt_id for halt in halts})
    return len(fresh)


class JournalKeeper(Loop):
    """Puts on record what was halted without the database."""

    def __init__(self, database: Database, flags_file: Path, *, every_s: float = 1.0) -> None:
        super().__init__("halt-journal", every_s=every_s)
        self._database, self._flags_file = database, flags_file
        self._log = get_log()

    async def turn(self) -> float | None:
        try:
            recorded = await put_on_record(self._database, self._flags_file)
        except (FlagFileUnusable, OSError) as error:
            self._log.error("payments.halt_not_recorded", exc_info=error)
            return None
        if recorded:
            self._log.info("payments.halt_recorded", halts=recorded)
        return None


def _note(journal: Path, halt: Halt) -> None:
    """Raises FlagFileUnusable."""
    try:
        descriptor = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(halt)) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise FlagFileUnusable(
            f"Payments are halted, but {journal} cannot be written ({error.strerror}): "
            "write down who halted them and why."
        ) from error


def _read(journal: Path) -> list[Halt]:
    """A line that is not one of ours was cut off by a full disk: its halt stands, and its note is lost.

    Another instance may have recorded and removed it meanwhile.
    """
    try:
        text = journal.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    halts = []
    for line in text.splitlines():
        try:
            halts.append(Halt(**json.loads(line)))
        except (ValueError, TypeError):
            get_log().error("payments.halt_note_damaged", line=line[:200])
    return halts


def _forget(journal: Path, flags_file: Path, recorded: set[str]) -> None:
    """A note that came meanwhile stays."""
    with only_editor(flags_file):
        left = [halt for halt in _read(journal) if halt.halt_id not in recorded]
        if left:
            draft = journal.with_name(f".{journal.name}.new")
            draft.write_text("".join(json.dumps(asdict(halt)) + "\n" for halt in left), encoding="utf-8")
            draft.replace(journal)
        else:
            journal.unlink(missing_ok=True)
