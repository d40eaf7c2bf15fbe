"""PostgreSQL: the pool, the outbox, the inbox, leadership. The one home of asyncpg."""

from fundline.platform.database.clock_watch import ClockWatch
from fundline.platform.database.errors import (
    CheckRule,
    DatabaseBusy,
    DatabaseUnavailable,
    RowBusy,
    UniqueRule,
    rule_of_check,
    translated,
)
from fundline.platform.database.leader import Candidate, LeaderConnection
from fundline.platform.database.pool import Connection, Database, open_database

__all__ = [
    "Candidate",
    "CheckRule",
    "ClockWatch",
    "Connection",
    "Database",
    "DatabaseBusy",
    "DatabaseUnavailable",
    "LeaderConnection",
    "RowBusy",
    "UniqueRule",
    "open_database",
    "rule_of_check",
    "translated",
]
