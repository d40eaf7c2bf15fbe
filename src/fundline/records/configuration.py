"""The configuration in the audit trail: limits, fees, accounts, deadlines and rates, which only migrations write."""

from datetime import datetime
from typing import Any, Protocol

from fundline.platform.audit.rows import ROWS, Reads, Rows
from fundline.platform.audit.trail import AuditEntry, Statements, record
from fundline.records.recorded_tables import CONFIGURATION, CONFIGURATION_RECORDED, CONFIGURATION_STREAM

IS_RECORDED = "select 1 from audit_streams where stream = $1"


class OwnersConnection(Reads, Statements, Protocol):
    """Of the owner of the schema, in a transaction."""


async def is_configuration_recorded(connection: Reads) -> bool:
    return bool(await connection.fetch(IS_RECORDED, CONFIGURATION_STREAM))


async def record_configuration(connection: OwnersConnection, *, revision: str, at: datetime) -> None:
    """All of it, as the migration to this revision has left it."""
    rows: Rows = {}
    for table in CONFIGURATION:
        rows[table.name] = [table.facts(row) for row in await connection.fetch(table.select)]
    details: dict[str, Any] = {"revision": revision, ROWS: rows}
    entry = AuditEntry(
        CONFIGURATION_STREAM, "migrations", CONFIGURATION_RECORDED, at, "The schema was migrated.", details
    )
    await record(connection, entry)
