"""What money rests on, against the audit trail, the ledger and itself, in each full run.

Nothing is repaired: a row that was edited is for people, and so is the question who did it. The case closes by itself
once the row says again what the trail says.
"""

from collections.abc import Mapping
from datetime import datetime

from fundline.platform.clock import NewId, new_id
from fundline.platform.database import Connection, Database
from fundline.records.books import SNAPSHOT
from fundline.records.cases import CaseKind, NewCase, settle_case
from fundline.records.ledger_views import verify
from fundline.records.recorded_rows import check_rows
from fundline.services.reconciler.findings import SOURCE, Finding, Trouble, give_to_a_person

OPEN_CASES = """
select subject from cases where kind = 'audit_broken' and state = 'open' and opened_by = $1 order by subject
"""


class Records:
    """`batch`: how many findings of one kind a run gives to people; the rest comes with the next full run."""

    name = "records"

    def __init__(self, database: Database, *, batch: int, fresh_id: NewId = new_id) -> None:
        self._database, self._batch, self._fresh_id = database, batch, fresh_id

    async def look(self, *, at: datetime, full: bool) -> list[Finding]:
        if not full:
            return []
        async with self._database.transaction() as connection:
            await connection.execute(SNAPSHOT)
            found = await self._found(connection)
        async with self._database.transaction() as connection:
            for row in await connection.fetch(OPEN_CASES, SOURCE):
                if row["subject"] not in found:
                    await settle_case(
                        connection,
                        CaseKind.AUDIT_BROKEN,
                        row["subject"],
                        by=SOURCE,
                        at=at,
                        resolution="It agrees now.",
                    )
            return [
                await give_to_a_person(
                    connection,
                    Trouble.RECORD_CHANGED,
                    NewCase(CaseKind.AUDIT_BROKEN, subject, sentence),
                    new_id=self._fresh_id,
                    at=at,
                )
                for subject, sentence in list(found.items())[: self._batch]
            ]

    async def _found(self, connection: Connection) -> Mapping[str, str]:
        """Sentences by subject; of the trail first, which names what was edited."""
        found: dict[str, str] = {}
        async for finding in check_rows(connection):
            place = f"{finding.table}.{finding.column}" if finding.column else finding.table
            found[f"{place} {finding.row}"] = finding.sentence
        for problem in await verify(connection):
            found.setdefault(f"{problem.check} {problem.subject}", problem.sentence)
        return found
